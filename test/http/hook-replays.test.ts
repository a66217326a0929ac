import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../src/core/errors.ts'
import { hookReplays } from '../../src/http/hook-replays.ts'

const dayMs = 86_400_000
const replayed = { code: 'hook_replayed' }

function atTime() {
  const clock = { ms: 0, now: () => clock.ms, monotonic: () => clock.ms }
  let done = 0
  const work = async () => void (done += 1)
  return { clock, replays: hookReplays(clock), work, done: () => done }
}

test('what was taken is not taken again for a day', async () => {
  const { clock, replays, work, done } = atTime()
  const once = (digest: string) => replays.once({ digest, signedAt: null }, work)
  await once('a')
  await once('b')
  await assert.rejects(once('a'), replayed)
  clock.ms = dayMs
  await assert.rejects(once('a'), replayed)
  clock.ms = dayMs + 1
  await once('a')
  await assert.rejects(once('a'), replayed)
  assert.equal(done(), 3)
})

test('of two that come together one is refused; what failed may come again', async () => {
  const { replays, work, done } = atTime()
  const vouched = { digest: 'a', signedAt: null }
  const failure = new AppError('input_invalid', 'no')
  const results = await Promise.allSettled([
    replays.once(vouched, () => Promise.reject(failure)),
    replays.once(vouched, work),
  ])
  const reasons = results.map((result) => (result.status === 'rejected' ? (result.reason as AppError).code : null))
  assert.deepEqual(reasons, ['input_invalid', 'hook_replayed'])
  await replays.once(vouched, work)
  assert.equal(done(), 1)
})

test('what was signed more than five minutes away is refused, even where it never came before', async () => {
  const { clock, replays, work, done } = atTime()
  clock.ms = dayMs
  const signed = (awayMs: number) => replays.once({ digest: String(awayMs), signedAt: clock.ms + awayMs }, work)
  for (const awayMs of [-300_000, 0, 300_000]) await signed(awayMs)
  for (const awayMs of [-dayMs, -300_001, 300_001, dayMs]) await assert.rejects(signed(awayMs), replayed)
  assert.equal(done(), 3)
})

test('what is remembered is bounded: the oldest is forgotten first', async () => {
  const { replays, work } = atTime()
  const once = (digest: string) => replays.once({ digest, signedAt: null }, work)
  for (let at = 0; at < 50_001; at += 1) await once(String(at))
  await assert.rejects(once('1'), replayed)
  await once('0')
})
