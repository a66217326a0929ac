import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { interruptOf } from '../../src/cli/interrupt.ts'
import { hasCode } from '../../src/core/errors.ts'

for (const [name, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  test(`${name} cancels what runs and asks for exit code ${code}; a second one finds nobody listening`, () => {
    const process = new EventEmitter()
    const interrupt = interruptOf(process as NodeJS.Process)
    assert.equal(interrupt.signal.aborted, false)
    process.emit(name)
    assert.ok(hasCode(interrupt.signal.reason, 'canceled'))
    assert.equal(interrupt.exitCode(), code)
    assert.deepEqual(process.eventNames(), [])
  })
}
