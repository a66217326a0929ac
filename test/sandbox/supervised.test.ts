import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { AppError } from '../../src/core/errors.ts'
import { finish, type Command, type Exit } from '../../src/core/exec.ts'
import { supervise, type BareProcess } from '../../src/sandbox/supervised.ts'

const ok: Exit = { code: 0, signal: null }

/** A process that does what the test says, and ends with its streams when it is killed, as real ones do. */
function bareProcess() {
  const ended = Promise.withResolvers<Exit>()
  const calls: string[] = []
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const bare: BareProcess = {
    stdout,
    stderr,
    ended: ended.promise,
    signal: (name) => void calls.push(name),
    kill() {
      calls.push('kill')
      ended.resolve({ code: 137, signal: 'SIGKILL' })
    },
    discard() {
      stdout.destroy()
      stderr.destroy()
    },
  }
  return { bare, calls, stdout, stderr, end: ended.resolve, break: ended.reject }
}

const command = (more: Partial<Command> = {}): Command => ({
  argv: ['program'],
  cwd: '/',
  env: {},
  signal: new AbortController().signal,
  deadlineMs: 60_000,
  maxOutputBytes: 100,
  ...more,
})

test('a program that ends well gives its output and its exit', async () => {
  const { bare, calls, stdout, stderr, end } = bareProcess()
  const finishing = finish(supervise(bare, command()))
  stdout.end('out')
  stderr.end('err')
  end(ok)
  const finished = await finishing
  assert.deepEqual([finished.code, String(finished.stdout), String(finished.stderr)], [0, 'out', 'err'])
  assert.deepEqual(calls, [])
})

test('a deadline kills the process once, and every part of it fails with the same reason', async () => {
  const { bare, calls, stdout } = bareProcess()
  stdout.write('begun')
  const running = supervise(bare, command({ deadlineMs: 1 }))
  const read = async (stream: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of stream) assert.equal(String(chunk), 'begun')
  }
  for (const part of [read(running.stdout), read(running.stderr), running.exit])
    await assert.rejects(part, { code: 'deadline_exceeded' })
  assert.deepEqual(calls, ['kill'])
})

test('no deadline, and one too far for a timer, never strikes', async () => {
  for (const deadlineMs of [Infinity, 2 ** 40]) {
    const { bare, calls, stdout, stderr, end } = bareProcess()
    const finishing = finish(supervise(bare, command({ deadlineMs })))
    stdout.end()
    stderr.end()
    end(ok)
    assert.equal((await finishing).code, 0)
    assert.deepEqual(calls, [])
  }
})

test('giving up kills the process; a reason of ours is kept, any other becomes canceled', async () => {
  const ours = new AppError('over_capacity', 'Cannot go on: told so')
  for (const [reason, code] of [
    [ours, 'over_capacity'],
    [new Error('why not'), 'canceled'],
    [undefined, 'canceled'],
  ] as const) {
    const { bare, calls } = bareProcess()
    const caller = new AbortController()
    const running = supervise(bare, command({ signal: caller.signal }))
    caller.abort(reason)
    await assert.rejects(running.exit, { code })
    await assert.rejects(finish(running), { code })
    assert.deepEqual(calls, ['kill'])
  }
})

test('who gave up before it began ends it at once', async () => {
  const { bare, calls } = bareProcess()
  await assert.rejects(supervise(bare, command({ signal: AbortSignal.abort() })).exit, { code: 'canceled' })
  assert.deepEqual(calls, ['kill'])
})

test('what strikes first is the reason, whatever follows', async () => {
  const { bare, calls, stdout } = bareProcess()
  const caller = new AbortController()
  const running = supervise(bare, command({ signal: caller.signal, maxOutputBytes: 3 }))
  stdout.write('four')
  await assert.rejects(finish(running), { code: 'output_limit' })
  caller.abort()
  await assert.rejects(running.exit, { code: 'output_limit' })
  assert.deepEqual(calls, ['kill'])
})

test('nothing beyond the limit is handed on, and exactly the limit is whole', async () => {
  const { bare, stdout, stderr, end } = bareProcess()
  const running = supervise(bare, command({ maxOutputBytes: 4 }))
  stdout.write('four')
  stdout.end()
  stderr.end('a long text on stderr has no such limit')
  end(ok)
  const finished = await finish(running)
  assert.equal(String(finished.stdout), 'four')

  const more = bareProcess()
  const limited = supervise(more.bare, command({ maxOutputBytes: 4 }))
  more.stdout.write('fou')
  more.stdout.write('r!')
  const heard: string[] = []
  const reading = (async () => {
    for await (const chunk of limited.stdout) heard.push(String(chunk))
  })()
  await assert.rejects(reading, { code: 'output_limit' })
  assert.ok(heard.join('').length <= 4)
})

test('a flood is read no faster than others can live with, and whole', async () => {
  const { bare, stdout, stderr, end } = bareProcess()
  const startedAt = performance.now()
  const finishing = finish(supervise(bare, command({ maxOutputBytes: Infinity })))
  for (let chunk = 0; chunk < 64; chunk += 1) stdout.write(Buffer.alloc(512 * 1024))
  stdout.end()
  stderr.end()
  end(ok)
  assert.equal((await finishing).stdout.length, 32 * 1024 ** 2)
  assert(performance.now() - startedAt > 100)
})

test('a limit that the process itself ran into is its exit', async () => {
  const { bare, stdout, stderr, break: fail } = bareProcess()
  const running = supervise(bare, command())
  stdout.end('half')
  stderr.end()
  fail(new AppError('disk_limit', 'Cannot go on: full'))
  await assert.rejects(running.exit, { code: 'disk_limit' })
})

test('who reads only the streams need not look at the exit', async () => {
  const { bare, calls } = bareProcess()
  const running = supervise(bare, command({ deadlineMs: 1 }))
  // An unhandled rejection of the exit would end this process.
  await assert.rejects(
    async () => {
      for await (const chunk of running.stdout) assert.fail(String(chunk))
    },
    { code: 'deadline_exceeded' },
  )
  assert.deepEqual(calls, ['kill'])
})

test('after the end neither the deadline nor the caller touches anything', async () => {
  const { bare, calls, stdout, stderr, end } = bareProcess()
  const caller = new AbortController()
  const running = supervise(bare, command({ signal: caller.signal }))
  stdout.end()
  stderr.end()
  end(ok)
  await finish(running)
  caller.abort()
  assert.deepEqual(await running.exit, ok)
  assert.deepEqual(calls, [])
})

test('signals are handed on by name', async () => {
  const { bare, calls, end } = bareProcess()
  const running = supervise(bare, command())
  running.signal('SIGHUP')
  end(ok)
  await running.exit
  assert.deepEqual(calls, ['SIGHUP'])
})
