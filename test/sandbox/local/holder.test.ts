import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { identify } from '../../../src/core/process-identity.ts'
import { holders } from '../../../src/sandbox/local/holder.ts'
import { openStateDir } from '../../../src/sandbox/local/state-dir.ts'
import {
  commandOf,
  enterableFolder,
  isRoot,
  launcherIn,
  openDriver,
  run,
  sandboxUid,
  shell,
  specOf,
} from '../../support/local-sandboxes.ts'
import { processesOf, tracesOf } from '../../support/traces.ts'

const signal = new AbortController().signal

/** The one process that holds the only sandbox. */
function holderOf(stateDir: string): number {
  const pid = processesOf(stateDir).find((one) =>
    readFileSync(`/proc/${one}/cmdline`, 'utf8').startsWith('/usr/bin/perl'),
  )
  assert.ok(pid !== undefined)
  return pid
}

test('a step that a holder does not know fails the sandbox, with what it said', async (t) => {
  const state = openStateDir({ stateDir: `${enterableFolder()}/state`, sandboxUid })
  const { limits } = specOf()
  const ready = holders(launcherIn(state), null)
  t.after(() => ready.close())
  await assert.rejects(ready.take([['nonsense', 'a']], limits), {
    code: 'sandbox_failed',
    details: { stderr: 'Cannot carry out nonsense: unknown step' },
  })
  await assert.rejects(ready.take([['mkdir', '/proc/nowhere/a']], limits), { code: 'sandbox_failed' })
})

test('a holder that is killed takes the sandbox with it: sandbox_lost, and destroying it still leaves nothing', async (t) => {
  const stateDir = `${enterableFolder()}/state`
  const driver = await openDriver(stateDir)
  t.after(() => driver.close())
  for (const upper of ['memory', 'disk'] as const) {
    const sandbox = await driver.create(specOf({ upper }), { signal })
    await shell(sandbox, 'echo here >file')
    const killed = Promise.withResolvers<void>()
    async function* untilKilled(): AsyncGenerator<Uint8Array> {
      await killed.promise
      yield Buffer.from('the end')
    }
    const running = sandbox.exec(commandOf(['sh', '-c', 'echo begun; cat >/dev/null'], { stdin: untilKilled() }))
    await running.stdout[Symbol.asyncIterator]().next()
    const holder = holderOf(stateDir)
    process.kill(holder, 'SIGKILL')
    while (identify(holder) !== null) await new Promise((resolve) => setImmediate(resolve))
    killed.resolve()
    await assert.rejects(running.exit, { code: 'sandbox_lost' })
    await assert.rejects(async () => run(sandbox, ['true']), { code: 'sandbox_lost' })
    await sandbox.destroy()
    assert.deepEqual(tracesOf(stateDir), [])
  }
})

test('a layer that is taken away under a fork is told as an image that is not there', async (t) => {
  const stateDir = `${enterableFolder()}/state`
  const driver = await openDriver(stateDir)
  t.after(() => driver.close())
  await driver.freeze(await driver.create(specOf(), { signal }), 'img_a')
  renameSync(`${stateDir}/layers/img_a`, `${stateDir}/layers/img_b`)
  await assert.rejects(driver.create(specOf({ image: 'img_a' }), { signal }), { code: 'image_incompatible' })
  assert.deepEqual(tracesOf(stateDir), [])
})

test('a host that lets users make no namespaces is unable, and nothing is left of the attempt', async () => {
  const stateDir = `${enterableFolder()}/state`
  mkdirSync(stateDir)
  if (isRoot) chownSync(stateDir, 0, 0)
  const program = new URL('../../support/driver-process.ts', import.meta.url).pathname
  // One more level of namespaces is allowed and used up, so that the holder's own is refused.
  const script =
    'echo 1 >/proc/sys/user/max_user_namespaces && exec unshare --user --map-user=1000 --map-group=1000 "$@"'
  const argv = ['--user', '--map-root-user', 'sh', '-c', script, 'sh', process.execPath, program, 'create', stateDir]
  const child = spawn('unshare', argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [text] = await Promise.all([buffer(child.stdout), once(child, 'exit')])
  assert.match(text.toString(), /^host_unable: .*does not let users make namespaces\n$/)
  assert.deepEqual(readdirSync(`${stateDir}/run`), [])
})
