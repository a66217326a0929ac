import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { singleFlight } from '../../src/core/single-flight.ts'

const never = (): AbortSignal => new AbortController().signal
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('callers of one key share one piece of work, callers of another do not', async () => {
  const flights = singleFlight<string>()
  let started = 0
  const ask = (key: string) =>
    flights.run(
      key,
      async () => {
        started += 1
        await turn()
        return key
      },
      { signal: never() },
    )
  assert.deepEqual(await Promise.all([ask('a'), ask('a'), ask('b'), ask('a')]), ['a', 'a', 'b', 'a'])
  assert.equal(started, 2)
  assert.equal(flights.size, 0)
})

test('a failure reaches every waiter and is not remembered', async () => {
  const flights = singleFlight<number>()
  const fail = () => flights.run('k', () => Promise.reject(new Error('no')), { signal: never() })
  const ends = await Promise.allSettled([fail(), fail()])
  assert.ok(ends.every(({ status }) => status === 'rejected'))
  assert.equal(await flights.run('k', async () => 1, { signal: never() }), 1)
})

test('a waiter that leaves takes nobody along', async () => {
  const flights = singleFlight<number>()
  const leaver = new AbortController()
  const gate = Promise.withResolvers<number>()
  const work = () => gate.promise
  const first = flights.run('k', work, { signal: leaver.signal })
  const second = flights.run('k', work, { signal: never() })
  leaver.abort(new Error('bye'))
  await assert.rejects(first, /bye/)
  gate.resolve(5)
  assert.equal(await second, 5)
})

test('the last waiter to leave aborts the work and stays until it has unwound', async () => {
  const flights = singleFlight<number>()
  const caller = new AbortController()
  let hasUnwound = false
  const asked = flights.run(
    'k',
    async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      await turn()
      hasUnwound = true
      throw new Error('aborted inside')
    },
    { signal: caller.signal },
  )
  caller.abort(new Error('bye'))
  await assert.rejects(asked, /bye/)
  assert.ok(hasUnwound)
  assert.equal(flights.size, 0)
})

test('a newcomer never joins work that is being given up, and waits for its end', async () => {
  const flights = singleFlight<string>()
  const caller = new AbortController()
  const unwind = Promise.withResolvers<void>()
  const first = flights.run('k', () => unwind.promise.then(() => 'old'), { signal: caller.signal })
  caller.abort(new Error('bye'))
  await turn()
  let hasStarted = false
  const second = flights.run('k', async () => ((hasStarted = true), 'new'), { signal: never() })
  await turn()
  assert.equal(hasStarted, false)
  unwind.resolve()
  await assert.rejects(first, /bye/)
  assert.equal(await second, 'new')
})

test('whatever the order of arrivals, departures and ends, one key never runs twice at once and every waiter is answered', async () => {
  const callers = fc.array(fc.record({ key: fc.constantFrom('a', 'b'), leaves: fc.boolean(), fails: fc.boolean() }), {
    minLength: 1,
    maxLength: 8,
  })
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), callers, async (s, requests) => {
      const flights = singleFlight<string>()
      const underWay = new Map<string, number>()
      const asks = requests.map(async ({ key, leaves, fails }, index) => {
        await s.schedule(Promise.resolve(), `arrive ${index}`)
        const caller = new AbortController()
        const left = leaves
          ? s.schedule(Promise.resolve(), `leave ${index}`).then(() => caller.abort(`left ${index}`))
          : undefined
        const work = async (signal: AbortSignal): Promise<string> => {
          underWay.set(key, (underWay.get(key) ?? 0) + 1)
          assert.equal(underWay.get(key), 1)
          await s.schedule(Promise.resolve(), `work ${key}`)
          underWay.set(key, 0)
          // Aborted only where nobody is left who wants it.
          if (signal.aborted) throw new Error('given up')
          if (fails) throw new Error('failed')
          return key
        }
        const end = await flights.run(key, work, { signal: caller.signal }).then(
          (value) => value,
          (error: unknown) => (error === caller.signal.reason ? 'left' : (error as Error).message),
        )
        if (end === 'left') assert.ok(caller.signal.aborted)
        assert.ok([key, 'left', 'failed'].includes(end), `waiter ${index} got ${end}`)
        await left
      })
      await s.waitFor(Promise.all(asks))
      assert.equal(flights.size, 0)
    }),
    { numRuns: 200 },
  )
})
