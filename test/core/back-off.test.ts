import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backOff, pauseMs } from '../../src/core/back-off.ts'
import { AppError } from '../../src/core/errors.ts'

function setUp() {
  let at = 0
  const pauses = backOff({ now: () => at, monotonic: () => at })
  let attempts = 0
  const attempt = (error: AppError | null, key = 'k') =>
    pauses.run(key, async () => {
      attempts += 1
      if (error !== null) throw error
      return 'fine'
    })
  const pass = (ms: number): void => void (at += ms)
  return { attempt, pass, tried: () => attempts }
}

const down = () => new AppError('remote_failed', 'Cannot read from the host: it failed', { details: { status: 500 } })

test('pauses grow from the second failure in a row and end at half a minute', () => {
  assert.deepEqual([0, 1, 2, 3, 4].map(pauseMs), [0, 0, 250, 500, 1000])
  assert.deepEqual([9, 20, 2000].map(pauseMs), [30_000, 30_000, 30_000])
})

test('what fails again and again is left alone meanwhile, and whoever asks is told what it was and how long', async () => {
  const { attempt, pass, tried } = setUp()
  await assert.rejects(attempt(down()))
  pass(1)
  await assert.rejects(attempt(down()), { details: { status: 500 } })
  pass(50)
  await assert.rejects(attempt(null), { code: 'remote_failed', details: { status: 500, retryAfterMs: 200 } })
  assert.equal(await attempt(null, 'another'), 'fine')
  assert.equal(tried(), 3)
  pass(200)
  assert.equal(await attempt(null), 'fine')
  await assert.rejects(attempt(down()))
  assert.equal(await attempt(null), 'fine')
})

test('failures of one moment count once, and what will fail for ever is asked each time', async () => {
  const { attempt, pass, tried } = setUp()
  await Promise.allSettled(Array.from({ length: 64 }, () => attempt(down())))
  pass(1)
  assert.equal(await attempt(null), 'fine')
  const denied = new AppError('access_denied', 'Cannot read from the host: access is denied')
  for (let time = 0; time < 5; time += 1) await assert.rejects(attempt(denied), { code: 'access_denied' })
  assert.equal(tried(), 70)
})
