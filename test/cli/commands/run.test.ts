import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { AppError } from '../../../src/core/errors.ts'
import { cli, fakeEngine, finishedProgram, receipt } from '../../support/cli.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

function engineThatRuns(running: ReturnType<typeof finishedProgram>) {
  return fakeEngine({ exec: async () => ({ running, known: {}, receipt: Promise.resolve(receipt) }) })
}

test('what stands after -- is the program, untouched', async () => {
  const { engine, calls } = engineThatRuns(finishedProgram({ code: 0, signal: null }))
  await cli(['run', '.', '--ref=main', '--', 'git', 'log', '--json', '--', '-x'], { engine })
  assert.deepEqual(calls[0], {
    method: 'exec',
    input: { repo: resolve('.'), ref: 'main', argv: ['git', 'log', '--json', '--', '-x'] },
  })
})

test('the program’s exit code is ours, and a signal is 128 + n', async () => {
  for (const exit of [
    { code: 7, signal: null },
    { code: 137, signal: 'SIGKILL' },
    { code: 1, signal: null },
  ]) {
    const { engine } = engineThatRuns(finishedProgram(exit))
    assert.equal((await cli(['run', '.', '--', 'x'], { engine })).code, exit.code)
  }
})

test('both streams pass through byte by byte', async () => {
  const output = { stdout: [bytes(0, 255, 10), bytes(13)], stderr: [bytes(27, 91)] }
  const { engine } = engineThatRuns(finishedProgram({ code: 0, signal: null }, output))
  const done = await cli(['run', '.', '--', 'x'], { engine })
  assert.deepEqual([...done.bytes], [0, 255, 10, 13])
  assert.equal(done.stderr, '\u001b[')
})

test('a reader that leaves early ends the program as a closed pipe would', async () => {
  const signals: string[] = []
  const program = finishedProgram({ code: 141, signal: 'SIGPIPE' }, { stdout: [bytes(1), bytes(2), bytes(3)] })
  const { engine } = engineThatRuns({ ...program, signal: (name) => void signals.push(name) })
  const { code, bytes: taken } = await cli(['run', '.', '--', 'yes'], { engine, stdoutChunks: 1 })
  assert.deepEqual([code, [...taken], signals], [141, [1], ['SIGPIPE']])
})

test('--json holds exit code, signal and both streams, base64 where they are not text', async () => {
  const output = { stdout: [Buffer.from('grün')], stderr: [bytes(255)] }
  const { engine } = engineThatRuns(finishedProgram({ code: 143, signal: 'SIGTERM' }, output))
  const { code, stdout, stderr } = await cli(['run', '.', '--json', '--', 'x'], { engine })
  assert.deepEqual([code, stderr], [143, ''])
  assert.deepEqual(JSON.parse(stdout), {
    value: { exitCode: 143, signal: 'SIGTERM', stdout: 'grün', stderr: { base64: '/w==' }, truncated: false },
    receipt,
  })
})

test('--json keeps the beginning of a very long output and says so', async () => {
  const stdout = Array.from({ length: 17 }, () => Buffer.alloc(1024 * 1024, 97))
  const { engine } = engineThatRuns(finishedProgram({ code: 0, signal: null }, { stdout }))
  const done = await cli(['run', '.', '--json', '--', 'x'], { engine })
  const { value } = JSON.parse(done.stdout) as { value: { stdout: string; truncated: boolean } }
  assert.deepEqual([value.stdout.length, value.truncated], [16 * 1024 * 1024, true])
})

test('a program that is ended by a limit is our failure, not its exit code', async () => {
  const limit = new AppError('output_limit', 'Cannot go on: 10 bytes of output')
  const running = { ...finishedProgram({ code: 0, signal: null }), exit: Promise.reject(limit) }
  const { engine, calls } = engineThatRuns(running)
  const { code, stderr } = await cli(['run', '.', '--', 'x'], { engine })
  assert.equal(code, 125)
  assert.match(stderr, /10 bytes of output/)
  assert.equal(calls.at(-1)?.method, 'close')
})
