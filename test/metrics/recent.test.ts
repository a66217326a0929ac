import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { withCorrelation } from '../../src/core/correlation.ts'
import { AppError } from '../../src/core/errors.ts'
import { span } from '../../src/core/spans.ts'
import { recentOperations, type NotableOperation } from '../../src/metrics/recent.ts'

const told: NotableOperation[] = []
const recent = recentOperations({ kept: 3, slowMs: 10, sample: 1_000_000, onNotable: (each) => void told.push(each) })
after(() => recent.close())

const token = 'ghp_0123456789abcdefghij'
const quick = (operation: string) => span('operation', { operation }, async () => {})

test('a failure keeps what explains it, and no secret of it', async () => {
  await quick('the first is the sample')
  const failing = withCorrelation('c1', () =>
    span('operation', { operation: 'push', tenant: 'red' }, () =>
      span('git', { subcommand: 'log', argv: () => ['log', `--grep=${token}`, Buffer.from('abc')] }, async () => {
        const details = { stderr: `fatal: https://robot:hunter2@host/x ${token}` }
        throw new AppError('git_failed', `Cannot run git log: ${token}`, { details })
      }),
    ),
  )
  await assert.rejects(failing)
  const [latest] = recent.list(null)
  assert.deepEqual(told.at(-1), latest)
  const { at, ms, git, ...rest } = latest ?? assert.fail()
  assert(Date.parse(at) > 0 && ms >= 0)
  assert.deepEqual(
    git.map(({ argv, outcome }) => ({ argv, outcome })),
    [{ argv: ['log', '--grep=[hidden]', '(3 bytes)'], outcome: 'git_failed' }],
  )
  assert.deepEqual(rest, {
    correlationId: 'c1',
    why: 'failed',
    operation: 'push',
    tier: null,
    repo: null,
    tenant: 'red',
    outcome: 'git_failed',
    problem: 'Cannot run git log: [hidden]',
    phases: [],
    stderr: 'fatal: https://[hidden]@host/x [hidden]',
  })
})

test('what is slow is kept, what is neither slow nor failed only as a sample', async () => {
  const before = recent.list(null).length
  await quick('quick')
  assert.equal(recent.list(null).length, before)
  const until = performance.now() + 12
  await span('operation', { operation: 'slow' }, async () => {
    while (performance.now() < until);
  })
  assert.deepEqual([recent.list(null)[0]?.why, recent.list(null)[0]?.operation], ['slow', 'slow'])
  assert.equal(recent.list(null).at(-1)?.why, 'sample')
})

test('a tenant sees its own only, and the list is bounded, the newest first', async () => {
  assert.deepEqual(
    recent.list('red').map(({ operation }) => operation),
    ['push'],
  )
  assert.deepEqual(recent.list('blue'), [])
  for (const operation of ['a', 'b', 'c', 'd'])
    await assert.rejects(span('operation', { operation }, () => Promise.reject(new Error('a defect'))))
  assert.deepEqual(
    recent.list(null).map(({ operation, problem }) => [operation, problem]),
    ['d', 'c', 'b'].map((operation) => [operation, 'Cannot finish the request: unexpected failure']),
  )
})
