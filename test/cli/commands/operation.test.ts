import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { flagsOf } from '../../../src/cli/operation-flags.ts'
import { AppError, toProblem } from '../../../src/core/errors.ts'
import type { AnswerRecord } from '../../../src/engine/contract.ts'
import { findOperation, operations } from '../../../src/git/registry.ts'
import { cli, fakeEngine, receipt } from '../../support/cli.ts'

const emptyLog = async () => ({ value: { commits: [], truncated: false }, receipt })

async function inputOf(argv: readonly string[]): Promise<unknown> {
  const { engine, calls } = fakeEngine({ run: emptyLog, explain: async () => explanation })
  const { code, stderr } = await cli([...argv, '--json'], { engine })
  assert.deepEqual([code, stderr], [0, ''])
  return calls[0]?.input
}

const needs = { history: 1, trees: 'none', blobs: 'none', worktree: 'none', refs: 'asked' } as const
const explanation = { needs, has: null, steps: [], cost: { ms: 1, bytes: 0, basis: 'estimated' }, kept: null } as const

test('addresses pass as they are and paths are taken from the current folder', async () => {
  const repos = [
    ['https://example.com/a/b', 'https://example.com/a/b'],
    ['file:///srv/a', 'file:///srv/a'],
    ['git@example.com:a', 'git@example.com:a'],
    ['ext::sh -c x', 'ext::sh -c x'],
    ['.', resolve('.')],
    ['../a b', resolve('../a b')],
    ['./a:b', resolve('./a:b')],
  ]
  for (const [given = '', taken] of repos) assert.deepEqual(await inputOf(['log', given]), { repo: taken })
})

test('flags become fields, and what is not given is not sent', async () => {
  assert.deepEqual(
    await inputOf(['log', 'https://h/r', '--limit', '3', '--ref=v1', '--max-staleness-ms=5', '--deadline-ms', '100']),
    { repo: 'https://h/r', limit: 3, ref: 'v1', maxStalenessMs: 5, deadlineMs: 100 },
  )
})

test('a flag of a list may be repeated, and a value may begin with a dash', async () => {
  assert.deepEqual(await inputOf(['diff', 'https://h/r', '--from', 'a', '--to=b', '--paths=x', '--paths', '-y,z']), {
    repo: 'https://h/r',
    from: 'a',
    to: 'b',
    paths: ['x', '-y,z'],
  })
})

for (const operation of operations) {
  test(`the example in the help of ${operation.name} is a command line that gives its input`, async () => {
    const { stdout } = await cli([operation.name, '--help'])
    const example = /\nExample:\n {2}forkyard ([^]+)\n$/.exec(stdout)?.[1] ?? ''
    const words = (example.match(/(?:'[^']*'|[^\s'])+/g) ?? []).map((word) => word.replaceAll("'", ''))
    assert.equal(words[0], operation.name)
    const input = (await inputOf(words)) as Record<string, unknown>
    const { repo, ...own } = input
    assert.equal(repo, resolve('.'))
    assert.deepEqual(operation.input.parse(own), operation.input.parse(operation.example))
    assert.match(stdout, new RegExp(`\n${operation.summary.split(' ').slice(0, 3).join(' ')}`))
  })

  test(`explain ${operation.name} takes the same flags and asks only for the plan`, async () => {
    const { engine, calls } = fakeEngine({ explain: async () => explanation })
    const words = flagsOf(operation.example).map((word) => word.replace(/(?<==)'|'$/g, ''))
    const { code } = await cli(['explain', operation.name, '.', ...words], { engine })
    assert.deepEqual([code, calls.map(({ method }) => method)], [0, ['explain', 'close']])
  })
}

test('--json prints value and receipt on one line and nothing else', async () => {
  const { engine } = fakeEngine({ run: emptyLog })
  const { stdout, stderr } = await cli(['log', '.', '--json'], { engine })
  assert.equal(stdout, `${JSON.stringify({ value: { commits: [], truncated: false }, receipt })}\n`)
  assert.equal(stderr, '')
})

async function* recordsOf(failure: AppError | null): AsyncGenerator<AnswerRecord, undefined> {
  yield { type: 'start', receipt: { commit: receipt.commit } }
  yield { type: 'item', value: { subject: 'One' } }
  if (failure !== null) throw failure
  yield { type: 'end', value: { truncated: false }, receipt }
  return undefined
}

const told = [
  `{"type":"start","receipt":{"commit":"${receipt.commit}"}}\n`,
  '{"type":"item","value":{"subject":"One"}}\n',
  `{"type":"end","value":{"truncated":false},"receipt":${JSON.stringify(receipt)}}\n`,
]

test('--stream prints each record on a line as it comes', async () => {
  const { engine, calls } = fakeEngine({ stream: () => recordsOf(null) })
  const { code, stdout, stderr } = await cli(['log', 'https://h/r', '--limit=3', '--stream'], { engine })
  assert.deepEqual([code, stdout, stderr], [0, told.join(''), ''])
  assert.deepEqual(calls[0], { method: 'stream', name: 'log', input: { repo: 'https://h/r', limit: 3 } })
})

test('a stream that fails has an error as its last line, and the problem where problems are told', async () => {
  const failure = new AppError('git_failed', 'Cannot go on: broken')
  const { engine } = fakeEngine({ stream: () => recordsOf(failure) })
  const { code, stdout, stderr } = await cli(['log', '.', '--stream'], { engine })
  assert.equal(code, 1)
  const [, , last = ''] = stdout.split(/(?<=\n)/)
  assert.deepEqual(JSON.parse(last), { type: 'error', problem: toProblem(failure) })
  assert.equal((JSON.parse(stderr) as { code: string }).code, 'git_failed')
})

test('a reader of the stream who has seen enough ends it, and that is no failure', async () => {
  const ended = Promise.withResolvers<string>()
  async function* endless(): AsyncGenerator<AnswerRecord, undefined> {
    try {
      for (;;) yield { type: 'item', value: 'more' }
    } finally {
      ended.resolve('ended')
    }
  }
  const { engine } = fakeEngine({ stream: endless })
  const { code, stderr } = await cli(['log', '.', '--stream'], { engine, stdoutChunks: 2 })
  assert.deepEqual([code, stderr, await ended.promise], [0, '', 'ended'])
})

test('plain output is what the operation says, raw in a pipe and escaped on a terminal; warnings stand apart', async () => {
  const branches = { branches: [], truncated: false }
  const operation = findOperation('branches')
  const answer = { value: branches, receipt: { ...receipt, warnings: ['no limit of memory'] } }
  const { engine } = fakeEngine({ run: async () => answer })
  const { stdout, stderr } = await cli(['branches', '.'], { engine })
  assert.equal(stdout.trimEnd(), operation.plain(branches).trimEnd())
  assert.equal(stderr, 'forkyard: warning: no limit of memory\n')
})

test('a credential of the environment goes along with the request', async () => {
  let seen: string | undefined
  const { engine } = fakeEngine({
    run: async (_name, _input, options) => {
      seen = options?.gitAuthorization
      return await emptyLog()
    },
  })
  await cli(['log', '.', '--json'], { engine, doors: { gitAuthorization: 'Basic eDp5' } })
  assert.equal(seen, 'Basic eDp5')
})

test('explain shows needs, holdings, steps, cost and why it is kept in words', async () => {
  const { engine } = fakeEngine({
    explain: async () => ({
      ...explanation,
      has: needs,
      steps: [
        { kind: 'fork', image: 'img_1' },
        { kind: 'fetch', depth: 20, filter: 'tree:0', wants: [] },
        { kind: 'checkout', cone: [] },
      ],
      cost: { ms: 61.4, bytes: 12_288, basis: 'measured' },
      kept: {
        repo: 'https://host.example/a',
        images: 1,
        bytes: 4096,
        uses: 3,
        lastUsedAt: '2026-01-01T00:00:00.000Z',
        expiresAt: null,
        why: 'one of those used most: it does not expire',
      },
    }),
  })
  const { stdout } = await cli(['explain', 'log', '.'], { engine })
  assert.equal(
    stdout,
    [
      'needs  history 1, trees none, blobs none, worktree none',
      'has    history 1, trees none, blobs none, worktree none',
      'steps  1. fork image img_1',
      '       2. fetch 20 generations without trees and file contents',
      '       3. check out all files',
      'cost   about 61 ms, 12.0 KiB (measured)',
      'kept   one of those used most: it does not expire\n',
    ].join('\n'),
  )
})
