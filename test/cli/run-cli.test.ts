import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../src/core/errors.ts'
import { cli, failingEngine, fakeEngine, receipt } from '../support/cli.ts'

test('without arguments the help is shown and all is well', async () => {
  const { code, stdout, stderr } = await cli([])
  assert.deepEqual([code, stderr], [0, ''])
  for (const word of [
    'log',
    'status',
    'run',
    'explain',
    'images',
    'warm',
    'drop',
    'doctor',
    'bench',
    'open',
    'close',
    'Example:',
  ]) {
    assert.match(stdout, new RegExp(`\\b${word}`))
  }
})

test('nothing is listed that does not exist yet', async () => {
  const { stdout } = await cli(['--help'])
  assert.doesNotMatch(stdout, /^ {2}(?:slow|template|e2b-server) /m)
})

test('the version is printed', async () => {
  assert.deepEqual(await cli(['--version']), { code: 0, stdout: '1.2.3\n', stderr: '', bytes: Buffer.from('1.2.3\n') })
})

const misuses: readonly (readonly [argv: readonly string[], complaint: RegExp])[] = [
  [['lgo', '.'], /unknown command 'lgo' \(Did you mean log\?\)/],
  [['constructor', '.'], /unknown command 'constructor'/],
  [['log'], /missing required argument 'repo'/],
  [['log', '.', '--limt=3'], /unknown option '--limt=3' \(Did you mean --limit\?\)/],
  [['log', '.', '--limit=many'], /It is not a number/],
  [['log', '.', 'more'], /too many arguments/],
  [['read-file', '.'], /required option '--path <path>'/],
  [['run', '.'], /missing required argument 'program'/],
  [['run', '.', 'git', 'status', '-s'], /unknown option '-s'/],
  [['explain'], /no command given/],
  [['explain', 'nothing', '.'], /unknown command 'nothing'/],
  [['bench', 'nothing'], /Allowed choices/],
  [['open', 'https://h/r', '--ttl=soon'], /It is not a time such as/],
  [['open', 'https://h/r', '--history=deep'], /It is neither "tip"/],
  [['fork', 'ws_1', '-n', 'many'], /It is not a number/],
  [['exec', 'ws_1'], /missing required argument 'program'/],
  [['close'], /missing required argument 'workspace'/],
]
for (const [argv, complaint] of misuses) {
  test(`misuse is exit code 2, said once and with a hint: ${argv.join(' ')}`, async () => {
    const { engine, calls } = fakeEngine()
    const { code, stdout, stderr } = await cli(argv, { engine, doors: { benchmarks: async () => [bench] } })
    assert.deepEqual([code, stdout, calls], [2, '', []])
    assert.match(stderr, complaint)
    assert.match(stderr, /^forkyard: Cannot understand the command line: [^\n]+\n {2}[^\n]+\n$/)
  })
}
const bench = { name: 'fork', run: async () => {} }

test('misuse with --json is a problem document', async () => {
  const { code, stdout, stderr } = await cli(['log', '.', '--nothing', '--json'])
  assert.deepEqual([code, stdout], [2, ''])
  assert.equal((JSON.parse(stderr) as { code: string }).code, 'input_invalid')
})

test('a command that does not exist has a code of its own', async () => {
  const { code, stderr } = await cli(['lgo', '.', '--json'])
  assert.deepEqual([code, (JSON.parse(stderr) as { code: string }).code], [2, 'operation_unknown'])
})

test('failures have the exit codes that are promised, and run keeps its program’s apart', async () => {
  const log = async (code: AppError['code']) => (await cli(['log', '.'], { engine: failingEngine(code) })).code
  const run = async (code: AppError['code']) =>
    (await cli(['run', '.', '--', 'x'], { engine: failingEngine(code) })).code
  assert.deepEqual([await log('ref_not_found'), await run('ref_not_found')], [1, 125])
  assert.deepEqual([await log('ref_invalid'), await run('ref_invalid')], [2, 2])
  assert.deepEqual([await log('url_invalid'), await run('input_invalid')], [2, 2])
  assert.deepEqual([await log('settings_invalid'), await run('settings_invalid')], [2, 2])
  assert.deepEqual([await log('host_unable'), await run('host_unable')], [3, 3])
  assert.deepEqual([await log('internal'), await run('internal')], [1, 125])
})

test('a failure is one sentence and what to do, or one JSON line', async () => {
  const engine = failingEngine('repo_empty')
  const plain = await cli(['log', '.'], { engine })
  assert.equal(plain.stderr, 'forkyard: Cannot do it: a reason\n  Push a first commit.\n')
  const json = await cli(['log', '.', '--json'], { engine })
  assert.deepEqual([json.stdout, json.stderr.split('\n').length], ['', 2])
  assert.deepEqual(JSON.parse(json.stderr), {
    type: 'urn:forkyard:repo_empty',
    title: 'Cannot do it: a reason',
    status: 409,
    code: 'repo_empty',
    hint: 'Push a first commit.',
    retry: 'never',
    details: {},
  })
})

test('a defect shows where it happened, and only to people', async () => {
  const { engine } = fakeEngine({ run: () => Promise.reject(new TypeError('oops')) })
  const plain = await cli(['log', '.'], { engine })
  assert.equal(plain.code, 1)
  assert.match(plain.stderr, /unexpected failure[\s\S]+TypeError: oops\n\s+at /)
  assert.doesNotMatch((await cli(['log', '.', '--json'], { engine })).stderr, /oops/)
})

test('control characters in a message never reach the terminal', async () => {
  const run = () => Promise.reject(new AppError('ref_not_found', 'Cannot resolve "\u001b[2J": no such ref'))
  const { stderr } = await cli(['log', '.'], { engine: fakeEngine({ run }).engine })
  assert.match(stderr, /"\\x1b\[2J"/)
})

test('an interrupt reaches the engine, which is closed before we exit with 130', async () => {
  const controller = new AbortController()
  const { engine, calls } = fakeEngine({
    run: (_name, _input, options) =>
      new Promise((_, reject) => {
        options?.signal?.addEventListener('abort', () => reject(controller.signal.reason))
        controller.abort(new AppError('canceled', 'Cannot finish: interrupted'))
      }),
  })
  const interrupt = { signal: controller.signal, exitCode: () => 130 }
  const { code, stderr } = await cli(['log', '.'], { engine, interrupt })
  assert.equal(code, 130)
  assert.match(stderr, /^forkyard: Cannot finish: interrupted\n/)
  assert.equal(calls.at(-1)?.method, 'close')
})

test('who is interrupted before the engine opens never opens it', async () => {
  const signal = AbortSignal.abort(new AppError('canceled', 'Cannot finish: interrupted'))
  const doors = { engine: () => Promise.reject(new Error('opened')) }
  assert.equal((await cli(['log', '.'], { doors, interrupt: { signal, exitCode: () => 130 } })).code, 130)
})

test('the engine is closed after success and after failure', async () => {
  const good = fakeEngine({ run: async () => ({ value: { commits: [], truncated: false }, receipt }) })
  await cli(['log', '.', '--json'], { engine: good.engine })
  const bad = fakeEngine({ run: () => Promise.reject(new AppError('git_failed', 'Cannot log: x')) })
  await cli(['log', '.'], { engine: bad.engine })
  for (const { calls } of [good, bad])
    assert.deepEqual(
      calls.map(({ method }) => method),
      ['run', 'close'],
    )
})

test('progress is one rewritten line on a terminal, and nothing in a pipe or with --json', async () => {
  const run = async (_name: string, _input: unknown, options?: { onProgress?: (progress: object) => void }) => {
    options?.onProgress?.({ phase: 'Receiving objects', done: 40, total: 100 })
    return { value: { commits: [], truncated: false }, receipt }
  }
  const { engine } = fakeEngine({ run })
  const [terminal, pipe, json] = await Promise.all([
    cli(['log', '.'], { engine, isTTY: true }),
    cli(['log', '.'], { engine }),
    cli(['log', '.', '--json'], { engine, isTTY: true }),
  ])
  assert.match(terminal.stderr, /^\r\u001b\[KReceiving objects: 40 % \(40\/100\)\r\u001b\[K/)
  assert.deepEqual([pipe.stderr, json.stderr], ['', ''])
})
