import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hasCode } from '../../src/core/errors.ts'
import { semaphore } from '../../src/core/semaphore.ts'

const never = (): AbortSignal => new AbortController().signal
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('as many run as there are permits, the others in order of arrival', async () => {
  const slots = semaphore({ name: 'work', permits: 2, maxWaiting: 10 })
  const begun: number[] = []
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>())
  const all = gates.map((gate, index) =>
    slots.run(
      async () => {
        begun.push(index)
        await gate.promise
      },
      { signal: never() },
    ),
  )
  assert.deepEqual(begun, [])
  await turn()
  assert.deepEqual([begun, slots.running, slots.waiting], [[0, 1], 2, 3])
  for (const gate of gates.toReversed()) gate.resolve()
  await Promise.all(all)
  assert.deepEqual([begun, slots.running, slots.waiting], [[0, 1, 2, 3, 4], 0, 0])
})

test('a full queue refuses at once', async () => {
  const slots = semaphore({ name: 'sandboxes', permits: 1, maxWaiting: 0 })
  const gate = Promise.withResolvers<void>()
  const first = slots.run(() => gate.promise, { signal: never() })
  await assert.rejects(
    slots.run(async () => {}, { signal: never() }),
    (error) => hasCode(error, 'over_capacity'),
  )
  gate.resolve()
  await first
})

test('a failure gives its permit back', async () => {
  const slots = semaphore({ name: 'work', permits: 1, maxWaiting: 1 })
  await assert.rejects(slots.run(() => Promise.reject(new Error('x')), { signal: never() }))
  assert.equal(await slots.run(async () => 1, { signal: never() }), 1)
})

test('who gives up while waiting leaves the queue, and who has given up never starts', async () => {
  const slots = semaphore({ name: 'work', permits: 1, maxWaiting: 5 })
  const gate = Promise.withResolvers<void>()
  const caller = new AbortController()
  const first = slots.run(() => gate.promise, { signal: never() })
  const waiting = slots.run(async () => assert.fail('started'), { signal: caller.signal })
  caller.abort(new Error('bye'))
  await assert.rejects(waiting, /bye/)
  assert.equal(slots.waiting, 0)
  await assert.rejects(
    slots.run(async () => assert.fail('started'), { signal: caller.signal }),
    /bye/,
  )
  gate.resolve()
  await first
  assert.equal(slots.running, 0)
})

test('in every order of arrivals, ends and aborts the permits hold, none is lost and nobody overtakes', async () => {
  const request = fc.record({ gives: fc.constantFrom('stays', 'leaves'), fails: fc.boolean() })
  const plan = fc.record({
    permits: fc.integer({ min: 1, max: 3 }),
    maxWaiting: fc.integer({ min: 0, max: 4 }),
    requests: fc.array(request, { minLength: 1, maxLength: 10 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), plan, async (s, { permits, maxWaiting, requests }) => {
      const slots = semaphore({ name: 'work', permits, maxWaiting })
      const arrived: number[] = []
      const started: number[] = []
      let running = 0
      const asks = requests.map(async ({ gives, fails }, index) => {
        await s.schedule(Promise.resolve(), `arrive ${index}`)
        const caller = new AbortController()
        const left =
          gives === 'leaves' ? s.schedule(Promise.resolve(), `leave ${index}`).then(() => caller.abort()) : undefined
        arrived.push(index)
        const work = async (): Promise<void> => {
          started.push(index)
          running += 1
          assert.ok(running <= permits && slots.waiting <= maxWaiting)
          await s.schedule(Promise.resolve(), `work ${index}`)
          running -= 1
          if (fails) throw new Error('failed')
        }
        await slots.run(work, { signal: caller.signal }).catch((error: unknown) => {
          const isExpected =
            caller.signal.aborted || hasCode(error, 'over_capacity') || (error as Error).message === 'failed'
          assert.ok(isExpected, String(error))
        })
        await left
      })
      await s.waitFor(Promise.all(asks))
      assert.deepEqual([slots.running, slots.waiting, running], [0, 0, 0])
      assert.deepEqual(
        started,
        arrived.filter((index) => started.includes(index)),
      )
    }),
    { numRuns: 200 },
  )
})
