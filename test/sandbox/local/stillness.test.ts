import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { finish } from '../../../src/core/exec.ts'
import type { SandboxDriver } from '../../../src/sandbox/contract.ts'
import { findCgroups } from '../../../src/sandbox/local/cgroup.ts'
import { freezer } from '../../../src/sandbox/local/freezer.ts'
import type { LocalSandbox } from '../../../src/sandbox/local/sandbox.ts'
import { stillness } from '../../../src/sandbox/local/stillness.ts'
import { commandOf, enterableFolder, openDriver, run, shell, specOf } from '../../support/local-sandboxes.ts'
import { isFrozen, start, threadsBelow, until } from '../../support/standing.ts'
import { tracesOf } from '../../support/traces.ts'

const signal = new AbortController().signal
/** Without control groups nothing bounds how many processes there are: a test must do it itself. */
const hasLimits = findCgroups() !== null

describe('programs that stand still', () => {
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

  const hostile: Readonly<Record<string, string>> = {
    'that compute': `print "up\n"; 1 while 1`,
    'whose threads come and go': `print "up\n"; system 'seq 500000 | sort --parallel=4 -r >/dev/null' while 1`,
    'that have left their session and their parents': `use POSIX; if (!fork) { POSIX::setsid(); if (!fork) { print "up\n"; 1 while 1 } exit } sleep 100`,
    'that are ever new, each ending when the next is there': `print "up\n"; for (1 .. 8) { next if fork; while (1) { fork and exit } } sleep 100`,
    'that multiply as far as they may': hasLimits
      ? `print "up\n"; while (1) { fork }`
      : `print "up\n"; fork for 1 .. 7; 1 while 1`,
    'that wake each other': `my $first = $$; my $other = fork; print "up\n" if $other; while (1) { kill CONT => $other || $first; kill CONT => -1 }`,
    'of which one has lent its memory to a child that keeps it': `print "up\n"; syscall(58) == 0 and syscall(34); sleep 100`,
  }

  // For as long as anybody waits; then nothing is said to have stood still. What forks without end has as many processors
  // as it likes where no control group keeps it from that.
  const mayWin = new Set([
    'that wake each other',
    ...(hasLimits ? [] : ['that are ever new, each ending when the next is there', 'that multiply as far as they may']),
  ])

  for (const [name, program] of Object.entries(hostile)) {
    test(`programs ${name} are stopped to the last, and go on`, async () => {
      const sandbox = await create()
      try {
        await start(sandbox, program)
        const bracket = sandbox.holder.whileStill(async () => {
          const seen = threadsBelow(sandbox.holder.pid)
          assert.ok(seen.length >= 3, seen.join())
          // A parent that lent its memory sleeps until it has it back.
          if (!isFrozen) for (const thread of seen) assert.match(thread, /^\d+ [TZD] /)
          for (let look = 0; look < 20; look += 1) {
            await new Promise((resolve) => setImmediate(resolve))
            assert.deepEqual(threadsBelow(sandbox.holder.pid), seen)
          }
        })
        if (mayWin.has(name)) await bracket.catch((error: unknown) => assert(hasCode(error, 'sandbox_failed')))
        else await bracket
        await until(() => !threadsBelow(sandbox.holder.pid).some((thread) => thread.includes(' T ')))
      } finally {
        await sandbox.destroy()
      }
    })
  }

  test('what a command leaves behind as it ends stands still or is gone, too', async () => {
    const brief = `print "up\n"; for (1 .. 4) { next if fork; while (1) { fork and exit } } select undef, undef, undef, rand 0.01`
    for (let turn = 0; turn < 12; turn += 1) {
      const sandbox = await create()
      try {
        await start(sandbox, brief)
        const bracket = sandbox.holder.whileStill(async () => {
          const seen = threadsBelow(sandbox.holder.pid)
          if (!isFrozen) for (const thread of seen) assert.match(thread, /^\d+ [TZ] /)
          for (let look = 0; look < 20; look += 1) {
            await new Promise((resolve) => setImmediate(resolve))
            // The holder takes those away that have ended.
            for (const thread of threadsBelow(sandbox.holder.pid)) assert.ok(seen.includes(thread), thread)
          }
        })
        if (hasLimits) await bracket
        else await bracket.catch((error: unknown) => assert(hasCode(error, 'sandbox_failed')))
      } finally {
        await sandbox.destroy()
      }
    }
  })

  test('what is asked for meanwhile is done afterwards, and what is to end does', async () => {
    const sandbox = await create()
    const { exit, said } = await start(sandbox, `$SIG{TERM} = sub { print "heard\n"; exit 3 }; print "up\n"; sleep 100`)
    const caller = new AbortController()
    const begun: Promise<unknown>[] = []
    await sandbox.holder.whileStill(async () => {
      begun.push(shell(sandbox, 'echo begun >/tmp/begun'))
      begun.push(assert.rejects(run(sandbox, ['sleep', '100'], { deadlineMs: 10 }), { code: 'deadline_exceeded' }))
      const command = commandOf(['sleep', '100'], { signal: caller.signal })
      begun.push(assert.rejects(finish(sandbox.exec(command)), { code: 'canceled' }))
      caller.abort()
      const threads = threadsBelow(sandbox.holder.pid)
      await assert.rejects(
        sandbox.holder.whileStill(async () => {
          assert.deepEqual(threadsBelow(sandbox.holder.pid), threads)
          throw new Error('the copy failed')
        }),
        /the copy failed/,
      )
      assert.deepEqual(threadsBelow(sandbox.holder.pid), threads)
    })
    await Promise.all(begun)
    assert.equal(await shell(sandbox, 'cat /tmp/begun'), 'begun\n')
    const silent = assert.rejects(said.next(), { code: 'sandbox_lost' })
    await sandbox.destroy()
    await silent
    await assert.rejects(exit, { code: 'sandbox_lost' })
  })

  test('where programs do not stand still, the fork fails and they go on', async () => {
    const sandbox = await create()
    // The parent waits for its child in a way that nobody can recognise, and so seems to be at work.
    const lend = `syscall(157, 4, 0, 0, 0); print "up\n"; syscall(58) == 0 and syscall(34); sleep 100`
    await start(sandbox, lend)
    const forking = driver.fork(sandbox, 1, { signal, metadata: () => ({}) })
    if (isFrozen) await (await forking)[0]?.destroy()
    else await assert.rejects(forking, { code: 'sandbox_failed' })
    assert.equal(await shell(sandbox, 'echo on'), 'on\n')
    await sandbox.destroy()
    assert.deepEqual(tracesOf(stateDir), [])
  })
})

test('of brackets that overlap the first stops the programs, each checks them, and the last lets them go on', async () => {
  const told: string[] = []
  const standStill = async (): Promise<void> => void told.push('stop')
  const checkStill = async (): Promise<void> => void told.push('check')
  const whileStill = stillness({ standStill, checkStill, goOn: () => told.push('go on') })
  const [one, two] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const first = whileStill(() => one.promise)
  const second = whileStill(() => two.promise)
  one.resolve()
  await first
  assert.deepEqual(told, ['stop', 'check'])
  two.reject(new Error('failed'))
  await assert.rejects(second, /failed/)
  assert.deepEqual(told, ['stop', 'check', 'go on'])
  assert.equal(await whileStill(async () => 'value'), 'value')
  assert.deepEqual(told.slice(3), ['stop', 'check', 'go on'])
})

test('programs that could not all be stopped, or did not stay so, go on', async () => {
  const told: string[] = []
  const standing = { standStill: async () => {}, checkStill: async () => {}, goOn: () => told.push('go on') }
  const run = (): Promise<void> => Promise.reject(new Error('some run'))
  const notStopped = stillness({ ...standing, standStill: run })
  await assert.rejects(
    notStopped(() => assert.fail('not still')),
    /some run/,
  )
  assert.deepEqual(told, ['go on'])
  await assert.rejects(
    stillness({ ...standing, checkStill: run })(async () => 'value'),
    /some run/,
  )
  assert.deepEqual(told, ['go on', 'go on'])
})

test('a control group of version 2 is frozen once the kernel says so', async () => {
  const directory = `${enterableFolder()}/group`
  mkdirSync(directory)
  const set = (frozen: number): void => writeFileSync(`${directory}/cgroup.events`, `populated 1\nfrozen ${frozen}\n`)
  const word = (): string => readFileSync(`${directory}/cgroup.freeze`, 'utf8')
  set(0)
  const group = freezer(directory)
  let isStill = false
  const stopping = group.standStill().then(() => (isStill = true))
  assert.equal(word(), '1')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(isStill, false)
  set(1)
  await stopping
  group.goOn()
  assert.equal(word(), '0')
})
