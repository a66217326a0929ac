import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { AppError } from '../../src/core/errors.ts'
import { finish, type Running } from '../../src/core/exec.ts'
import type { Sandbox, SandboxDriver, SandboxRecord } from '../../src/sandbox/contract.ts'
import type { DriverCases } from './driver-cases.ts'
import { commandOf, run, shell, specOf } from './local-sandboxes.ts'

/** Waits until the program has printed something, so that it surely runs; the rest is read on in the background. */
async function untilHeard(running: Running): Promise<void> {
  const chunks = running.stdout[Symbol.asyncIterator]()
  await chunks.next()
  void (async () => {
    while ((await chunks.next()).done !== true);
  })().catch(() => {})
}

/** How commands and sandboxes end: by limits, by their caller, by signals. */
export function endingCases({ driver, reopen, create }: DriverCases): void {
  let sandbox: Sandbox
  before(async () => {
    sandbox = await create({ upper: 'memory' })
  })

  test('a deadline ends a command, and neither its exit nor its output looks complete', async () => {
    const running = sandbox.exec(commandOf(['sh', '-c', 'echo begun; exec sleep 60'], { deadlineMs: 500 }))
    await assert.rejects(finish(running), { code: 'deadline_exceeded' })
    await assert.rejects(running.exit, { code: 'deadline_exceeded' })
  })

  test('a caller who gives up ends the command', async () => {
    const caller = new AbortController()
    const running = sandbox.exec(commandOf(['sh', '-c', 'echo begun; exec sleep 60'], { signal: caller.signal }))
    await untilHeard(running)
    caller.abort()
    await assert.rejects(running.exit, { code: 'canceled' })
  })

  test('the reason of who gives up is kept, where it is one of ours', async () => {
    const caller = new AbortController()
    const running = sandbox.exec(commandOf(['sh', '-c', 'echo begun; exec sleep 60'], { signal: caller.signal }))
    await untilHeard(running)
    caller.abort(new AppError('over_capacity', 'Cannot go on: told so'))
    await assert.rejects(running.exit, { code: 'over_capacity' })
  })

  test('a caller who gave up before gets no command and no sandbox', async () => {
    const signal = AbortSignal.abort()
    await assert.rejects(run(sandbox, ['touch', '/workspace/ran'], { signal }), { code: 'canceled' })
    await shell(sandbox, 'test ! -e /workspace/ran')
    await assert.rejects(driver().create(specOf(), { signal }), { code: 'canceled' })
  })

  test('giving up at any moment of the start leaves the command ended', async () => {
    for (let turn = 0; turn < 24; turn += 1) {
      const caller = new AbortController()
      const running = sandbox.exec(commandOf(['sleep', '60'], { signal: caller.signal }))
      const ending = assert.rejects(finish(running), { code: 'canceled' })
      for (let tick = 0; tick < turn; tick += 1) await new Promise((resolve) => setTimeout(resolve, 0.5))
      caller.abort()
      await ending
    }
  })

  test('output up to the limit is whole, and what exceeds it ends the command', async () => {
    const whole = await run(sandbox, ['head', '-c', '100000', '/dev/zero'], { maxOutputBytes: 100_000 })
    assert.equal(whole.stdout.length, 100_000)
    const running = sandbox.exec(commandOf(['yes'], { maxOutputBytes: 100_000 }))
    let heard = 0
    const reading = (async () => {
      for await (const chunk of running.stdout) heard += chunk.length
    })()
    await assert.rejects(reading, { code: 'output_limit' })
    await assert.rejects(running.exit, { code: 'output_limit' })
    assert.ok(heard <= 100_000)
  })

  test('of a flood on stderr the beginning and the end are kept', async () => {
    const script = 'echo first >&2; head -c 20000000 /dev/zero >&2; echo last >&2; exit 3'
    const { code, stderr } = await run(sandbox, ['sh', '-c', script])
    assert.equal(code, 3)
    assert.ok(stderr.length < 1_000_000, `${stderr.length} bytes kept`)
    assert.match(stderr.toString(), /^first\n[\s\S]*\n\[\d+ bytes left out\]\n[\s\S]*last\n$/)
  })

  test('a reader that turns away ends the program, without a limit or a deadline', async () => {
    const running = sandbox.exec(commandOf(['yes']))
    for await (const chunk of running.stdout) if (chunk.length > 0) break
    const { code } = await running.exit
    assert.notEqual(code, 0)
  })

  test('a signal reaches the program, which may answer it', async () => {
    const script = `trap 'echo heard; exit 7' TERM; echo begun; while :; do read line </workspace/never; done`
    await shell(sandbox, 'mkfifo /workspace/never')
    const running = sandbox.exec(commandOf(['sh', '-c', script]))
    let said = ''
    for await (const chunk of running.stdout) {
      said += Buffer.from(chunk).toString()
      if (said === 'begun\n') running.signal('SIGTERM')
    }
    assert.equal(said, 'begun\nheard\n')
    assert.equal((await running.exit).code, 7)
  })

  test('SIGKILL ends a program that ignores everything else', async () => {
    const running = sandbox.exec(commandOf(['sh', '-c', `trap '' TERM INT HUP; echo begun; sleep 60`]))
    await untilHeard(running)
    running.signal('SIGTERM')
    running.signal('SIGKILL')
    assert.deepEqual(await running.exit, { code: 137, signal: 'SIGKILL' })
  })

  test('a sandbox is destroyed once, however often that is asked, and runs nothing more', async () => {
    const other = await create()
    await Promise.all([other.destroy(), other.destroy()])
    await other.destroy()
    await assert.rejects(async () => run(other, ['true']), { code: 'sandbox_lost' })
  })

  test('a sandbox that is destroyed takes its running commands with it, and their callers learn of it', async () => {
    const other = await create({ upper: 'memory' })
    const running = other.exec(commandOf(['sh', '-c', 'echo begun; exec sleep 60']))
    await untilHeard(running)
    await other.destroy()
    await assert.rejects(running.exit, { code: 'sandbox_lost' })
  })

  test('a command that ends just as its sandbox does has ended well or is lost, and nothing between', async () => {
    for (let turn = 0; turn < 24; turn += 1) {
      const other = await create({ upper: 'memory' })
      const commands = Array.from({ length: 4 }, () =>
        run(other, ['echo', 'said']).then(
          ({ code, stdout }) => assert.deepEqual([code, stdout.toString()], [0, 'said\n']),
          (error: unknown) => assert.equal((error as { code?: unknown }).code, 'sandbox_lost'),
        ),
      )
      for (let tick = 0; tick < turn; tick += 1) await new Promise((resolve) => setTimeout(resolve, 0.5))
      await other.destroy()
      await Promise.all(commands)
    }
  })

  test('a driver tells of its sandboxes, with what was noted about them', async () => {
    const other = await create({ metadata: { purpose: 'a test' } })
    const find = async (teller: SandboxDriver): Promise<SandboxRecord | undefined> => {
      for await (const record of teller.sandboxes()) if (record.id === other.id) return record
      return undefined
    }
    const told = { id: other.id, image: null, metadata: { purpose: 'a test' }, isAlive: true }
    assert.deepEqual(await find(driver()), { ...told, isOurs: true })
    const later = await reopen()
    assert.deepEqual(await find(later), { ...told, isOurs: false })
    await later.close()
    await other.destroy()
    assert.equal(await find(driver()), undefined)
  })
}
