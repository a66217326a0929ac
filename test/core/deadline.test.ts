import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withDeadline } from '../../src/core/deadline.ts'
import { AppError, hasCode } from '../../src/core/errors.ts'

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('pipe closed')), { once: true }))

test('work that outlives its deadline ends with deadline_exceeded, whatever it broke with', async () => {
  await assert.rejects(withDeadline(1, undefined, untilAborted), (error) => hasCode(error, 'deadline_exceeded'))
})

test('a caller who gives up gets canceled', async () => {
  const caller = new AbortController()
  const ending = withDeadline(60_000, caller.signal, untilAborted)
  caller.abort()
  await assert.rejects(ending, (error) => hasCode(error, 'canceled'))
})

test('nothing starts for a caller who has given up already', async () => {
  let hasStarted = false
  const work = async (): Promise<void> => void (hasStarted = true)
  await assert.rejects(withDeadline(60_000, AbortSignal.abort(), work), (error) => hasCode(error, 'canceled'))
  assert.equal(hasStarted, false)
})

test('an outer deadline keeps its name through an inner one', async () => {
  const outer = withDeadline(1, undefined, (signal) => withDeadline(60_000, signal, untilAborted))
  await assert.rejects(outer, (error) => hasCode(error, 'deadline_exceeded'))
})

test('a failure of the work itself passes unchanged', async () => {
  const own = new AppError('ref_not_found', 'Cannot resolve x: no such ref')
  await assert.rejects(
    withDeadline(60_000, undefined, () => Promise.reject(own)),
    (error) => error === own,
  )
  assert.equal(await withDeadline(60_000, undefined, async () => 7), 7)
})

test('the signal listener is gone afterwards', async () => {
  const caller = new AbortController()
  let seen: AbortSignal | undefined
  await withDeadline(60_000, caller.signal, async (signal) => void (seen = signal))
  caller.abort()
  assert.equal(seen?.aborted, false)
})
