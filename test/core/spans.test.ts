import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withCorrelation } from '../../src/core/correlation.ts'
import { AppError } from '../../src/core/errors.ts'
import { collectPhases, onSpan, span, spanChannel, type Span } from '../../src/core/spans.ts'

async function recorded(fn: () => Promise<unknown>): Promise<Span[]> {
  const spans: Span[] = []
  const listen = (message: unknown): void => void spans.push(message as Span)
  spanChannel.subscribe(listen)
  try {
    await fn().catch(() => {})
  } finally {
    spanChannel.unsubscribe(listen)
  }
  return spans
}

test('a span tells its name, attributes, correlation id, duration and outcome when the work ends', async () => {
  const [seen, ...more] = await recorded(() =>
    withCorrelation('abc', () => span('git', { subcommand: 'log' }, async () => 1)),
  )
  assert.deepEqual(more, [])
  assert.ok(seen !== undefined && seen.ms >= 0)
  assert.deepEqual(
    { ...seen, ms: 0 },
    { name: 'git', attributes: { subcommand: 'log' }, correlationId: 'abc', ms: 0, outcome: 'ok' },
  )
})

test('the outcome of failed work is its error code, and a defect is internal', async () => {
  const failWith = (error: Error) => () =>
    span('fetch', {}, async () => {
      throw error
    })
  const [known] = await recorded(failWith(new AppError('remote_failed', 'Cannot fetch: the server failed')))
  const [unknown] = await recorded(failWith(new Error('secret')))
  assert.equal(known?.outcome, 'remote_failed')
  assert.equal(unknown?.outcome, 'internal')
  assert.ok(!JSON.stringify(unknown).includes('secret'))
})

test('a span returns what the work returns and throws what it throws', async () => {
  const error = new Error('as it was')
  assert.equal(await span('plan', {}, async () => 42), 42)
  await assert.rejects(
    span('plan', {}, () => Promise.reject(error)),
    (thrown) => thrown === error,
  )
})

test('phases list each name once, in the order the work began, nested and failed work included', async () => {
  const phases = await collectPhases(async (read) => {
    await span('operation', {}, async () => {
      await span('git', {}, async () => {})
      await span('git', {}, async () => {})
      await span('fork', {}, () => Promise.reject(new Error('x'))).catch(() => {})
    })
    return read()
  })
  assert.deepEqual(
    phases.map(({ name }) => name),
    ['operation', 'git', 'fork'],
  )
  assert.ok(phases.every(({ ms }) => ms >= 0))
})

test('two requests side by side collect their own phases only', async () => {
  const one = (name: 'fork' | 'git') =>
    collectPhases(async (read) => {
      await span(name, {}, () => new Promise<void>((resolve) => setImmediate(resolve)))
      return read().map((phase) => phase.name)
    })
  assert.deepEqual(await Promise.all([one('fork'), one('git')]), [['fork'], ['git']])
})

test('what the work tells while it runs is told with the rest, and a listener that fails harms nobody', async () => {
  let faults = 0
  const stop = onSpan(
    () => {
      throw new Error('a listener of ours')
    },
    () => (faults += 1),
  )
  const [seen] = await recorded(() =>
    span('fetch', { driver: 'local' }, async (tell) => {
      tell({ bytes: 3 })
    }),
  )
  stop()
  assert.deepEqual([seen?.attributes, faults], [{ driver: 'local', bytes: 3 }, 1])
})
