import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { finish } from '../../../src/core/exec.ts'
import type { SandboxDriver } from '../../../src/sandbox/contract.ts'
import type { LocalSandbox } from '../../../src/sandbox/local/sandbox.ts'
import { commandOf, enterableFolder, openDriver, shell, specOf } from '../../support/local-sandboxes.ts'
import { isFrozen, start, threadsBelow, until } from '../../support/standing.ts'
import { tracesOf } from '../../support/traces.ts'

const signal = new AbortController().signal

describe('programs that run while all should stand still', () => {
  const stateDir = `${enterableFolder()}/state`
  let driver: SandboxDriver
  before(async () => {
    driver = await openDriver(stateDir)
  })
  after(async () => {
    await driver.close()
    assert.deepEqual(tracesOf(stateDir), [])
  })

  const create = async (): Promise<LocalSandbox> =>
    (await driver.create(specOf({ upper: 'memory' }), { signal })) as LocalSandbox

  for (const [name, handler, state] of [
    ['goes on', '', 'S'],
    ['stops itself again', 'kill STOP => $$', 'T'],
    ['ends', 'exit', 'Z'],
    ['starts another that ends, and stops', 'fork or exit; kill STOP => $$', 'T'],
  ] as const) {
    test(`a program that is woken meanwhile and that ${name} is noticed`, async () => {
      const sandbox = await create()
      const program = `$SIG{CONT} = sub { -e '/tmp/now' or return; ${handler} }; print "up\n"; sleep 100 while 1`
      const { exit } = await start(sandbox, program)
      const bracket = sandbox.holder.whileStill(async () => {
        const before = threadsBelow(sandbox.holder.pid)
        const tid = newestOf(before)
        await sandbox.holder.visit(['touch', `${stateDir}/mnt/tmp/now`]).ended
        const isAsAwaited = (): boolean => {
          const now = threadsBelow(sandbox.holder.pid).find((thread) => thread.startsWith(`${tid} `))
          return now !== undefined && !before.includes(now) && now.startsWith(`${tid} ${state}`)
        }
        // As a timer of its own could: nothing in a sandbox that stands still does it for another.
        process.kill(tid, 'SIGCONT')
        if (!isFrozen) await until(isAsAwaited)
      })
      if (isFrozen) await bracket
      else await assert.rejects(bracket, { code: 'sandbox_failed', message: /do not stand still$/ })
      assert.equal(await shell(sandbox, 'echo on'), 'on\n')
      await sandbox.destroy()
      await exit.catch(() => {})
      assert.deepEqual(tracesOf(stateDir), [])
    })
  }

  test('a fork of what is woken all the time fails, and leaves nothing', async () => {
    const sandbox = await create()
    await shell(sandbox, 'head -c 50000000 /dev/urandom >large')
    await start(sandbox, `$SIG{CONT} = sub {}; print "up\n"; sleep 100 while 1`)
    const tid = newestOf(threadsBelow(sandbox.holder.pid))
    const waking = setInterval(() => process.kill(tid, 'SIGCONT'), 1)
    const forking = driver.fork(sandbox, 2, { signal, metadata: () => ({}) })
    if (isFrozen) for (const fork of await forking) await fork.destroy()
    else await assert.rejects(forking, { code: 'sandbox_failed' })
    clearInterval(waking)
    await sandbox.destroy()
    assert.deepEqual(tracesOf(stateDir), [])
  })

  test('programs that are ended while all stand still have not run', async () => {
    const sandbox = await create()
    const caller = new AbortController()
    const ended = assert.rejects(
      finish(sandbox.exec(commandOf(['sh', '-c', 'sleep 100 & sleep 100'], { signal: caller.signal }))),
      { code: 'canceled' },
    )
    // A parent that lent its memory has it back when its child is ended.
    const { exit } = await start(sandbox, `print "up\n"; syscall(58) == 0 and syscall(34); sleep 100`)
    await sandbox.holder.whileStill(async () => {
      caller.abort()
      if (!isFrozen) await until(() => threadsBelow(sandbox.holder.pid).some((thread) => thread.includes(' Z ')))
    })
    await ended
    await sandbox.destroy()
    await assert.rejects(exit, { code: 'sandbox_lost' })
  })
})

/** The process of the program that was started last. */
function newestOf(threads: readonly string[]): number {
  return Math.max(...threads.map((thread) => Number(thread.split(' ')[0])))
}
