import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../src/core/clock.ts'
import { onceIn } from '../../src/core/once-in.ts'

test('work is shared until it is too old, and done anew where it failed', async () => {
  let [now, done, isBroken] = [0, 0, false]
  const clock: Clock = { now: () => now, monotonic: () => now }
  const ready = onceIn(100, clock, async () => {
    done += 1
    if (isBroken) throw new Error('broken')
  })
  await Promise.all([ready(), ready()])
  now = 100
  await ready()
  assert.equal(done, 1)
  now = 101
  isBroken = true
  await assert.rejects(ready(), /broken/)
  isBroken = false
  await ready()
  assert.equal(done, 3)
})
