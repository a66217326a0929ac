import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../src/client/connect.ts'
import type { Receipt } from '../../src/engine/contract.ts'
import { cli, type CliOptions } from '../support/cli.ts'
import { makeGround } from '../support/engine-repository.ts'
import { runService } from '../support/running-service.ts'

const ground = makeGround(async (source) => {
  await source.commit({ files: { 'README.md': '# Ground\n', 'src/a.txt': 'a\n', 'docs/b.md': 'b\n' } })
  await source.commit({ files: { 'src/a.txt': 'a\nb\n' } })
})
const service = runService(ground.home)

const served = (argv: readonly string[], options: CliOptions = {}) =>
  cli(argv, { ...options, doors: { server: async () => connect(service.url) } })

/** Runs a command that must succeed and says what it printed. */
async function said(...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await served(argv)
  assert.deepEqual([code, stderr], [0, ''], argv.join(' '))
  return stdout
}

async function json(...argv: readonly string[]): Promise<{ value: unknown; receipt: Receipt | null }> {
  return JSON.parse(await said(...argv, '--json')) as { value: unknown; receipt: Receipt | null }
}

interface Brief {
  readonly id: string
  readonly expiresAt: string
}

test('a workspace from the command line: open, work in it, run, fork, extend, list, close', async () => {
  const id = (await said('open', ground.repo, '--ref=main', '--ttl=10m', '--history=full')).trimEnd()
  assert.match(id, /^ws_[0-9a-f]+$/)
  assert.equal(await said('write-file', id, '--path=notes.txt', '--content=found it'), 'created notes.txt, 8 bytes\n')
  await said('add', id)
  assert.match(await said('status', id), /notes\.txt/)
  const status = await json('status', id)
  assert.deepEqual([(status.value as { clean: boolean }).clean, status.receipt?.tier], [false, 'workspace'])

  const ran = await served(['exec', id, '--cwd=src', '--', 'sh', '-c', 'cat a.txt ../notes.txt; echo no >&2; exit 3'])
  assert.deepEqual([ran.code, ran.stdout, ran.stderr], [3, 'a\nb\nfound it', 'no\n'])
  const captured = JSON.parse((await served(['exec', id, '--json', '--', 'sh', '-c', 'kill $$'])).stdout) as {
    value: unknown
  }
  assert.deepEqual(captured.value, { exitCode: 143, signal: 'SIGTERM', stdout: '', stderr: '', truncated: false })

  const forks = (await said('fork', id, '-n', '2', '--ttl=5m')).trimEnd().split('\n')
  assert.equal(new Set([id, ...forks]).size, 3)
  assert.equal(await said('exec', forks[1] ?? '', '--', 'cat', 'notes.txt'), 'found it')
  const [header, ...rows] = (await said('list')).trimEnd().split('\n')
  assert.match(header ?? '', /^WORKSPACE +REPOSITORY +REF +COMMIT +HISTORY +WORKTREE +PROGRAMS +UNTIL$/)
  assert.deepEqual(new Set(rows.map((row) => row.split(' ')[0])), new Set([id, ...forks]))

  const until = ((await json('list')).value as readonly Brief[]).find((each) => each.id === id)
  const extended = (await said('extend', id, '--ttl=2h')).trimEnd()
  assert(until !== undefined && extended > until.expiresAt)
  for (const each of [id, ...forks]) assert.equal(await said('close', each), '')
  assert.equal(await said('list'), '')
})

test('--json is one line with the library’s answer', async () => {
  const opened = await json('open', ground.repo, '--cone=src')
  const { id } = opened.value as Brief
  assert.equal(opened.receipt?.ref, 'refs/heads/main')
  const forks = (await json('fork', id)).value as readonly Brief[]
  assert.equal(forks.length, 1)
  const extended = await json('extend', id, '--cone=docs', '--history=2')
  assert.deepEqual([(extended.value as Brief).id, extended.receipt?.history], [id, 2])
  assert.deepEqual(await json('close', id), { value: { id }, receipt: null })
  await said('close', forks[0]?.id ?? '')
})

test('a reader that leaves early ends the program as a closed pipe would', async () => {
  const id = (await said('open', ground.repo)).trimEnd()
  const { code, stderr } = await served(['exec', id, '--', 'yes'], { stdoutChunks: 1 })
  assert.deepEqual([code, stderr], [141, ''])
  await said('close', id)
})

test('what the service refuses has its code and exit code here too', async () => {
  const refusals: readonly (readonly [argv: readonly string[], exitCode: number, code: string])[] = [
    [['status', 'ws_none'], 1, 'workspace_not_found'],
    [['close', 'ws_none'], 1, 'workspace_not_found'],
    [['exec', 'ws_none', '--json', '--', 'true'], 125, 'workspace_not_found'],
    [['open', '.'], 2, 'url_invalid'],
    [['open', ground.repo, '--ref=nowhere'], 1, 'ref_not_found'],
    [['open', ground.repo, '--ttl=1ms'], 2, 'input_invalid'],
  ]
  for (const [argv, exitCode, code] of refusals) {
    const done = await served(argv.includes('--json') ? argv : [...argv, '--json'])
    assert.deepEqual([done.code, done.stdout, (JSON.parse(done.stderr) as { code: string }).code], [exitCode, '', code])
  }
})

test('where no service answers it says how to start one', async () => {
  for (const [argv, exitCode] of [
    [['list'], 1],
    [['status', 'ws_1'], 1],
    [['exec', 'ws_1', '--', 'true'], 125],
  ] as const) {
    const { code, stderr } = await cli(argv, { doors: { server: async () => connect('http://127.0.0.1:1') } })
    assert.equal(code, exitCode)
    assert.match(
      stderr,
      /^forkyard: Cannot ask the service: nobody answers at its address\n {2}Start it with forkyard serve/,
    )
  }
})

test('each of them shows an example', async () => {
  for (const name of ['open', 'list', 'exec', 'fork', 'extend', 'close'])
    assert.match((await cli([name, '--help'])).stdout, new RegExp(`\nExample:\n {2}forkyard ${name}`))
})
