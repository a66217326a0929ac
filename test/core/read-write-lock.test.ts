import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readWriteLock, type LockKind } from '../../src/core/read-write-lock.ts'

const never = (): AbortSignal => new AbortController().signal
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Work that begins when the lock lets it and ends when it is told to. */
function gated(begun: string[], name: string) {
  const { promise, resolve } = Promise.withResolvers<void>()
  const work = async (): Promise<void> => {
    begun.push(name)
    await promise
  }
  return { work, end: resolve }
}

test('reads run together, writes alone, and no read overtakes a write that waits', async () => {
  const lock = readWriteLock()
  const begun: string[] = []
  const kinds = { r1: 'read', r2: 'read', w1: 'write', r3: 'read', r4: 'read', w2: 'write', w3: 'write' } as const
  const gates = Object.keys(kinds).map((name) => gated(begun, name))
  const all = Object.values(kinds).map((kind, at) => lock.run(kind, gates[at]!.work, { signal: never() }))
  const steps = [
    { ends: [], begun: ['r1', 'r2'], running: 2, waiting: 5 },
    { ends: [0], begun: ['r1', 'r2'], running: 1, waiting: 5 },
    { ends: [1], begun: ['r1', 'r2', 'w1'], running: 1, waiting: 4 },
    { ends: [2], begun: ['r1', 'r2', 'w1', 'r3', 'r4'], running: 2, waiting: 2 },
    { ends: [4, 3], begun: ['r1', 'r2', 'w1', 'r3', 'r4', 'w2'], running: 1, waiting: 1 },
    { ends: [5], begun: ['r1', 'r2', 'w1', 'r3', 'r4', 'w2', 'w3'], running: 1, waiting: 0 },
    { ends: [6], begun: ['r1', 'r2', 'w1', 'r3', 'r4', 'w2', 'w3'], running: 0, waiting: 0 },
  ]
  for (const { ends, ...expected } of steps) {
    for (const at of ends) gates[at]!.end()
    await turn()
    assert.deepEqual({ begun, running: lock.running, waiting: lock.waiting }, expected)
  }
  await Promise.all(all)
})

test('a failure lets the next one in, and an answer comes through', async () => {
  const lock = readWriteLock()
  for (const kind of ['read', 'write'] as const) {
    await assert.rejects(
      lock.run(kind, () => Promise.reject(new Error('broken')), { signal: never() }),
      /broken/,
    )
    assert.equal(await lock.run('write', async () => 1, { signal: never() }), 1)
  }
})

test('a write that gives up lets the reads behind it in, though others still read', async () => {
  const lock = readWriteLock()
  const begun: string[] = []
  const [first, second] = [gated(begun, 'first'), gated(begun, 'second')]
  const caller = new AbortController()
  const reading = lock.run('read', first.work, { signal: never() })
  const writing = lock.run('write', async () => assert.fail('wrote'), { signal: caller.signal })
  const behind = lock.run('read', second.work, { signal: never() })
  await turn()
  assert.deepEqual(begun, ['first'])
  caller.abort(new Error('bye'))
  await assert.rejects(writing, /bye/)
  assert.deepEqual([begun, lock.running, lock.waiting], [['first', 'second'], 2, 0])
  first.end()
  second.end()
  await Promise.all([reading, behind])
  assert.equal(lock.running, 0)
})

test('who has given up never starts, not even when the turn has come in the same moment', async () => {
  const lock = readWriteLock()
  const caller = new AbortController()
  const gate = gated([], 'gate')
  const first = lock.run('write', gate.work, { signal: never() })
  const second = lock.run('write', async () => assert.fail('started'), { signal: caller.signal })
  await turn()
  gate.end()
  await first
  caller.abort(new Error('bye'))
  await assert.rejects(second, /bye/)
  await assert.rejects(
    lock.run('read', async () => assert.fail('started'), { signal: caller.signal }),
    /bye/,
  )
  assert.deepEqual([lock.running, lock.waiting], [0, 0])
})

test('in every order of arrivals, ends and aborts writes are alone, nobody overtakes, and no turn is lost', async () => {
  const request = fc.record({
    kind: fc.constantFrom<LockKind>('read', 'write'),
    gives: fc.constantFrom('stays', 'leaves'),
    fails: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(request, { minLength: 1, maxLength: 10 }), async (s, requests) => {
      const lock = readWriteLock()
      const arrived: number[] = []
      const started: number[] = []
      const left = new Set<number>()
      const inside = { read: 0, write: 0 }
      const aWriteWaits = (): boolean =>
        arrived.some((at) => requests[at]?.kind === 'write' && !started.includes(at) && !left.has(at))
      const asks = requests.map(async ({ kind, gives, fails }, index) => {
        await s.schedule(Promise.resolve(), `arrive ${index}`)
        const caller = new AbortController()
        const leaving =
          gives === 'leaves'
            ? s.schedule(Promise.resolve(), `leave ${index}`).then(() => {
                left.add(index)
                caller.abort()
              })
            : undefined
        arrived.push(index)
        const work = async (): Promise<void> => {
          started.push(index)
          inside[kind] += 1
          assert.ok(inside.write === 0 || (inside.write === 1 && inside.read === 0))
          await s.schedule(Promise.resolve(), `work ${index}`)
          // Whoever could run beside those who are inside does not wait, unless a write is before it.
          assert.ok(lock.waiting === 0 || inside.write === 1 || aWriteWaits())
          inside[kind] -= 1
          if (fails) throw new Error('failed')
        }
        await lock.run(kind, work, { signal: caller.signal }).catch((error: unknown) => {
          assert.ok(caller.signal.aborted || (error as Error).message === 'failed', String(error))
        })
        await leaving
      })
      await s.waitFor(Promise.all(asks))
      assert.deepEqual([lock.running, lock.waiting, inside], [0, 0, { read: 0, write: 0 }])
      assert.deepEqual(
        started,
        arrived.filter((index) => started.includes(index)),
      )
    }),
    { numRuns: 300 },
  )
})
