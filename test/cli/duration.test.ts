import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDuration } from '../../src/cli/duration.ts'

test('a time has an amount and a unit, and anything else is none', () => {
  assert.deepEqual(
    ['250ms', '90s', '30m', '1h', '1.5h', '0s'].map(parseDuration),
    [250, 90_000, 1_800_000, 3_600_000, 5_400_000, 0],
  )
  for (const text of ['', '1', 'h', '1 h', '1d', '-1s', '1h30m', '1e3s', '1H'])
    assert.throws(() => parseDuration(text), /It is not a time/, text)
})
