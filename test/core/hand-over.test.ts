import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { AppError } from '../../src/core/errors.ts'
import { handOver, type Teller } from '../../src/core/hand-over.ts'

const forever = { silenceMs: 2 ** 31 - 1 }

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('work begins with the first step that is asked for, and is never ahead by more than one', async () => {
  const made: number[] = []
  const steps = handOver<number>(async ({ give }) => {
    for (let step = 0; step < 5; step++) {
      made.push(step)
      await give(step)
    }
  }, forever)
  await turn()
  assert.deepEqual(made, [])
  for (let step = 0; step < 5; step++) {
    assert.deepEqual(await steps.next(), { done: false, value: step })
    await turn()
    assert.deepEqual(made.at(-1), Math.min(step + 1, 4))
  }
  assert.equal((await steps.next()).done, true)
})

test('of what is offered the newest is read, in its place, and nothing after the last step', async () => {
  const steps = handOver<string>(async ({ give, offer }) => {
    offer('1 of 3')
    offer('2 of 3')
    await give('first')
    offer('3 of 3')
    await give('last')
  }, forever)
  const read: string[] = []
  for await (const step of steps) read.push(step)
  assert.deepEqual(read, ['2 of 3', 'first', '3 of 3', 'last'])
})

test('several may tell at once, and none is lost', async () => {
  const tell = async ({ give }: Teller<string>, name: string): Promise<void> => {
    for (let count = 0; count < 100; count++) await give(name)
  }
  const steps = handOver<string>(async (teller) => {
    await Promise.all([tell(teller, 'a'), tell(teller, 'b')])
  }, forever)
  const read: string[] = []
  for await (const step of steps) read.push(step)
  assert.deepEqual([read.length, read.filter((name) => name === 'a').length], [200, 100])
})

test('a failure comes after what was told before it', async () => {
  const steps = handOver<string>(async ({ give }) => {
    await give('one')
    throw new AppError('git_failed', 'Cannot go on: broken')
  }, forever)
  assert.equal((await steps.next()).value, 'one')
  // It has failed by now; that nobody has asked yet is no unhandled rejection.
  await turn()
  await assert.rejects(steps.next(), { code: 'git_failed' })
  assert.equal((await steps.next()).done, true)
})

test('a reader who leaves ends the work, and is let go when it has ended', async () => {
  const told: string[] = []
  const steps = handOver<number>(async ({ give }, signal) => {
    signal.addEventListener('abort', () => void told.push('aborted'))
    try {
      for (let step = 0; ; step++) await give(step)
    } finally {
      await turn()
      told.push('ended')
    }
  }, forever)
  for await (const step of steps) if (step === 2) break
  assert.deepEqual(told, ['aborted', 'ended'])
})

test('who leaves while a step is being made does not wait for the step', async () => {
  const steps = handOver<number>(async (_teller, signal) => {
    await once(signal, 'abort')
    throw signal.reason
  }, forever)
  const next = steps.next()
  const left = steps.return?.()
  await assert.rejects(next, { code: 'canceled' })
  assert.equal((await left)?.done, true)
})

test('who leaves before the first step has started nothing', async () => {
  const steps = handOver<number>(async () => assert.fail('it was started'), forever)
  await steps.return?.()
  assert.equal((await steps.next()).done, true)
})

test('a reader who falls silent ends the work, and is told so when he asks again', async () => {
  const ended = Promise.withResolvers<unknown>()
  const steps = handOver<number>(
    async ({ give }, signal) => {
      signal.addEventListener('abort', () => ended.resolve(signal.reason))
      for (let step = 0; ; step++) await give(step)
    },
    { silenceMs: 5 },
  )
  await steps.next()
  const reason = await ended.promise
  assert(reason instanceof AppError && reason.code === 'reader_silent')
  await assert.rejects(steps.next(), { code: 'reader_silent' })
  assert.equal((await steps.next()).done, true)
})

test('a reader who waits for a step is not silent', async () => {
  const steps = handOver<string>(
    async ({ give }) => {
      await new Promise((resolve) => setTimeout(resolve, 30))
      await give('late')
    },
    { silenceMs: 5 },
  )
  assert.equal((await steps.next()).value, 'late')
  await steps.return?.()
})
