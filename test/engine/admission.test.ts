import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hasCode } from '../../src/core/errors.ts'
import { admission } from '../../src/engine/admission.ts'
import { tenantNamed } from '../support/tenants.ts'

const never = (): AbortSignal => new AbortController().signal
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const roomy = { concurrency: 2, maxWaiting: 100, maxWaitMs: 60_000 }

/** Work that ends when it is told to. */
function work(name: string, begun: string[]) {
  const gate = Promise.withResolvers<void>()
  const run = async (): Promise<void> => {
    begun.push(name)
    await gate.promise
  }
  return { run, end: gate.resolve }
}

test('tenants take turns, however much one of them asks for', async () => {
  const queue = admission({ ...roomy, concurrency: 1 })
  const begun: string[] = []
  const busy = tenantNamed('busy')
  const first = work('first', begun)
  const all = [queue.run(busy, first.run, { signal: never() })]
  for (const [tenant, count] of [
    ['busy', 4],
    ['calm', 2],
  ] as const)
    for (let at = 1; at <= count; at += 1)
      all.push(queue.run(tenantNamed(tenant), async () => void begun.push(`${tenant} ${at}`), { signal: never() }))
  await turn()
  assert.deepEqual([begun, queue.running, queue.waiting], [['first'], 1, 6])
  first.end()
  await Promise.all(all)
  assert.deepEqual(begun, ['first', 'busy 1', 'calm 1', 'busy 2', 'calm 2', 'busy 3', 'busy 4'])
  assert.deepEqual([queue.running, queue.waiting], [0, 0])
})

test('a tenant runs no more at once than it may, and others pass it', async () => {
  const queue = admission({ ...roomy, concurrency: 3 })
  const begun: string[] = []
  const narrow = tenantNamed('narrow', { operations: 1 })
  const [one, two, other] = [work('one', begun), work('two', begun), work('other', begun)]
  const all = [narrow, narrow, undefined].map((caller, at) =>
    queue.run(caller, [one, two, other][at]?.run ?? assert.fail(), { signal: never() }),
  )
  await turn()
  assert.deepEqual(begun, ['one', 'other'])
  one.end()
  await turn()
  assert.deepEqual(begun, ['one', 'other', 'two'])
  for (const each of [two, other]) each.end()
  await Promise.all(all)
})

test('a full queue refuses at once, a tenant that fills its share before others do', async () => {
  const queue = admission({ concurrency: 1, maxWaiting: 2, maxWaitMs: 60_000 })
  const begun: string[] = []
  const busy = tenantNamed('busy')
  const first = work('first', begun)
  const ask = (caller: typeof busy | undefined) => queue.run(caller, async () => {}, { signal: never() })
  const all = [queue.run(busy, first.run, { signal: never() }), ask(busy)]
  await assert.rejects(ask(busy), (error) => hasCode(error, 'tenant_limit'))
  all.push(ask(tenantNamed('calm')))
  await assert.rejects(ask(tenantNamed('late')), (error) => hasCode(error, 'over_capacity'))
  first.end()
  await Promise.all(all)
})

test('who waits too long is told so, and takes nobody’s turn', async () => {
  const queue = admission({ concurrency: 1, maxWaiting: 2, maxWaitMs: 5 })
  const first = work('first', [])
  const running = queue.run(undefined, first.run, { signal: never() })
  await assert.rejects(
    queue.run(undefined, async () => assert.fail('started'), { signal: never() }),
    (error) => hasCode(error, 'over_capacity'),
  )
  first.end()
  await running
  assert.deepEqual([queue.running, queue.waiting], [0, 0])
})

test('in every order of arrivals, ends and aborts no limit is passed and no turn is lost', async () => {
  const request = fc.record({
    tenant: fc.constantFrom('a', 'b', 'c'),
    gives: fc.constantFrom('stays', 'leaves'),
    fails: fc.boolean(),
  })
  const plan = fc.record({
    concurrency: fc.integer({ min: 1, max: 3 }),
    maxWaiting: fc.integer({ min: 0, max: 6 }),
    limit: fc.integer({ min: 1, max: 2 }),
    requests: fc.array(request, { minLength: 1, maxLength: 12 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), plan, async (s, { concurrency, maxWaiting, limit, requests }) => {
      const queue = admission({ concurrency, maxWaiting, maxWaitMs: 60_000 })
      const running = new Map<string, number>()
      const change = (tenant: string, by: number) => running.set(tenant, (running.get(tenant) ?? 0) + by)
      const asks = requests.map(async ({ tenant, gives, fails }, index) => {
        const leaving = new AbortController()
        await s.schedule(Promise.resolve(), `arrive ${index}`)
        const asked = queue.run(
          tenantNamed(tenant, { operations: limit }),
          async () => {
            change(tenant, 1)
            assert((running.get(tenant) ?? 0) <= limit)
            assert([...running.values()].reduce((sum, count) => sum + count) <= concurrency)
            await s.schedule(Promise.resolve(), `end ${index}`)
            change(tenant, -1)
            if (fails) throw new Error('failed')
          },
          { signal: leaving.signal },
        )
        if (gives === 'leaves') void s.schedule(Promise.resolve(), `leave ${index}`).then(() => leaving.abort())
        await asked.catch((error: unknown) => assert(!(error instanceof assert.AssertionError), String(error)))
      })
      await s.waitFor(Promise.all(asks))
      assert.deepEqual([queue.running, queue.waiting], [0, 0])
    }),
    { numRuns: 200 },
  )
})
