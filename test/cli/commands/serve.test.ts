import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Service } from '../../../src/cli/doors.ts'
import { cli } from '../../support/cli.ts'

/** A service that only notes what is asked of it. */
function noted(): { readonly service: Service; readonly calls: unknown[] } {
  const calls: unknown[] = []
  const service: Service = {
    async listen(address) {
      calls.push(address)
      return `http://${address.host}:${address.port}`
    },
    close: async () => void calls.push('close'),
  }
  return { service, calls }
}

test('serve listens where it is told, says how to use it, and closes when it is told to stop', async () => {
  const { service, calls } = noted()
  const stopping = new AbortController()
  const interrupt = { signal: stopping.signal, exitCode: () => 143 }
  const running = cli(['serve', '--port=7171'], { doors: { service: async () => service }, interrupt })
  while (calls.length === 0) await new Promise((resolve) => setImmediate(resolve))
  stopping.abort()
  const { code, stdout, stderr } = await running
  assert.deepEqual([code, stderr, calls], [0, '', [{ host: '127.0.0.1', port: 7171 }, 'close']])
  assert.match(stdout, /^forkyard serves http:\/\/127\.0\.0\.1:7171\n/)
  assert.match(stdout, /curl .*\/v1\/workspaces/)
})

test('a port that is none is refused before anything is opened', async () => {
  const { service, calls } = noted()
  for (const flag of ['--port=70000', '--port=x']) {
    const { code, stderr } = await cli(['serve', flag], { doors: { service: async () => service } })
    assert.equal(code, 2)
    assert.match(stderr, /Cannot listen on/)
  }
  assert.deepEqual(calls, [])
})
