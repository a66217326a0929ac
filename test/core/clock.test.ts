import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'

test('the system clock tells the wall time and a time that only grows', () => {
  assert.ok(Math.abs(systemClock.now() - Date.now()) < 60_000)
  const first = systemClock.monotonic()
  assert.ok(systemClock.monotonic() >= first)
})
