import assert from 'node:assert/strict'
import { test } from 'node:test'
import { correlationId, correlationIdFrom, newCorrelationId, withCorrelation } from '../../src/core/correlation.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'

test('the trace id of a traceparent becomes the correlation id', () => {
  assert.equal(correlationIdFrom(`00-${traceId}-00f067aa0ba902b7-01`), traceId)
  assert.equal(correlationIdFrom(`01-${traceId}-00f067aa0ba902b7-01-later-fields`), traceId)
})

test('a header that is not a traceparent gives a fresh id and nothing of itself', () => {
  const bad = [
    undefined,
    '',
    'x',
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `ff-${traceId}-00f067aa0ba902b7-01`,
    `00-${traceId.toUpperCase()}-00f067aa0ba902b7-01`,
    `00-${traceId}-00f067aa0ba902b7`,
  ]
  for (const header of bad) {
    const id = correlationIdFrom(header)
    assert.match(id, /^[0-9a-f]{32}$/)
    assert.notEqual(id, traceId)
  }
})

test('the id reaches everything a request starts, and requests side by side never mix', async () => {
  const serve = async (): Promise<void> => {
    const id = newCorrelationId()
    await withCorrelation(id, async () => {
      await new Promise((resolve) => setImmediate(resolve))
      assert.equal(correlationId(), id)
    })
  }
  await Promise.all([serve(), serve(), serve()])
  assert.equal(correlationId(), undefined)
})
