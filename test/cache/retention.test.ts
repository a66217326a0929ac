import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { evictions, standings, type Budget, type Entry } from '../../src/cache/retention.ts'
import { used, weight, type Use } from '../../src/cache/use.ts'

const MINUTE = 60_000
const DAY = 1440 * MINUTE
const now = Date.UTC(2026, 0, 10)

const uses = fc
  .array(fc.nat(3 * DAY), { minLength: 1, maxLength: 8 })
  .map((ages) => useOf(ages.toSorted((one, other) => other - one).map((age) => now - age)))

const entries: fc.Arbitrary<readonly Entry[]> = fc
  .array(fc.record({ bytes: fc.integer({ min: 1, max: 100 }), use: uses, isHeld: fc.boolean() }), { maxLength: 30 })
  .map((all) => all.map((entry, index) => ({ ...entry, key: String(index) })))

const bound = (max: number) => fc.oneof(fc.constant(Infinity), fc.nat(max))
const budgets: fc.Arbitrary<Budget> = fc.record({ bytes: bound(1500), count: bound(20) })
const orders = fc.constantFrom('use', 'recency')

test('the rest fits or is only what is held, and what is held never goes', () => {
  fc.assert(
    fc.property(entries, budgets, orders, (all, budget, order) => {
      const gone = evictions(all, budget, now, order)
      const rest = without(all, gone)
      assert.deepEqual([gone.some(({ isHeld }) => isHeld), gone.length + rest.length], [false, all.length])
      assert(fits(rest, budget) || rest.every(({ isHeld }) => isHeld))
    }),
  )
})

test('none goes that could stay', () => {
  fc.assert(
    fc.property(entries, budgets, orders, (all, budget, order) => {
      const gone = evictions(all, budget, now, order)
      for (const each of gone) assert(!fits([...without(all, gone), each], budget))
    }),
  )
})

test('the least worthy go first: those that stay are worth more, where sizes are equal', () => {
  fc.assert(
    fc.property(entries, fc.nat(20), (all, count) => {
      const gone = evictions(all, { bytes: Infinity, count }, now)
      const worths = gone.map(worthAmong(all))
      assert.deepEqual(
        worths,
        worths.toSorted((one, other) => one - other),
      )
      const free = without(all, gone).filter(({ isHeld }) => !isHeld)
      const last = worths.at(-1) ?? 0
      for (const worth of free.map(worthAmong(all))) assert(worth >= last)
    }),
  )
})

test('by recency goes who was not used for longest', () => {
  fc.assert(
    fc.property(entries, fc.nat(20), (all, count) => {
      const gone = evictions(all, { bytes: Infinity, count }, now, 'recency').map(({ use }) => use.lastAt)
      const byAge = all.filter(({ isHeld }) => !isHeld).map(({ use }) => use.lastAt)
      assert.deepEqual(gone, byAge.toSorted((one, other) => one - other).slice(0, gone.length))
    }),
  )
})

test('of near equals the expired one goes first, of others the less used one', () => {
  const lively = Array.from({ length: 10 }, (_, index) => entry(`top ${index}`, useOf(Array(20).fill(now))))
  const expired = useOf([now - 31 * MINUTE])
  const fresh = useOf([now - 29 * MINUTE])
  const stale = { ...fresh, hour: fresh.hour * 0.9, day: fresh.day * 0.9, days: fresh.days * 0.9 }
  const faint = { ...fresh, hour: fresh.hour * 0.5, day: fresh.day * 0.5, days: fresh.days * 0.5 }
  const first = (...pair: Use[]) => {
    const all = [...lively, ...pair.map((use, index) => entry(`${index}`, use))]
    return evictions(all, { bytes: Infinity, count: all.length - 1 }, now).map(({ key }) => key)
  }
  assert(weight(stale, now) < weight(expired, now))
  assert.deepEqual([first(stale, expired), first(faint, expired)], [['1'], ['0']])
})

test('a class follows from use alone, and expires to the millisecond', () => {
  const lively = Array.from({ length: 10 }, (_, index) => ({ key: `top ${index}`, use: useOf(Array(50).fill(now)) }))
  const cases = [
    { kind: 'idle', ttlMs: 30 * MINUTE, times: [0] },
    { kind: 'idle', ttlMs: 30 * MINUTE, times: [0, 5 * DAY] },
    { kind: 'base', ttlMs: 60 * MINUTE, times: [0, 3 * DAY] },
    { kind: 'base', ttlMs: 60 * MINUTE, times: [0, MINUTE] },
    { kind: 'base', ttlMs: 60 * MINUTE, times: [0, DAY, 2 * DAY, 3 * DAY] },
    { kind: 'active', ttlMs: 120 * MINUTE, times: [0, 20 * MINUTE, 40 * MINUTE] },
  ]
  for (const { kind, ttlMs, times } of cases) {
    const use = useOf(times.map((time) => now - 10 * DAY + time))
    const expiresAt = use.lastAt + ttlMs
    for (const [at, isExpired] of [
      [expiresAt - 1, false],
      [expiresAt, true],
    ] as const) {
      const standing = standings([...lively, { key: 'it', use }], at).get('it')
      assert.deepEqual(standing, { class: kind, expiresAt, isExpired }, `${kind} ${times.join()}`)
    }
  }
})

test('the ten of the greatest weight never expire, whoever else there is', () => {
  fc.assert(
    fc.property(entries, fc.nat(10 * DAY), (all, later) => {
      const at = now + later
      const result = standings(all, at)
      const [top, others] = [true, false].map((isTop) =>
        all.filter(({ key }) => (result.get(key)?.class === 'top') === isTop),
      ) as [Entry[], Entry[]]
      assert.deepEqual([result.size, top.length], [all.length, Math.min(10, all.length)])
      const least = Math.min(...top.map(({ use }) => weight(use, at)))
      for (const { key, use } of others) {
        const { expiresAt, isExpired } = result.get(key) ?? assert.fail()
        assert(weight(use, at) <= least)
        assert.equal(isExpired, expiresAt !== null && at >= expiresAt)
      }
      for (const { key } of top) assert.deepEqual(result.get(key), { class: 'top', expiresAt: null, isExpired: false })
    }),
  )
})

function useOf(times: readonly number[]): Use {
  return times.reduce<Use | null>(used, null) ?? assert.fail('There is no use without a time')
}

function entry(key: string, use: Use): Entry {
  return { key, use, bytes: 1, isHeld: false }
}

function without(all: readonly Entry[], gone: readonly Entry[]): readonly Entry[] {
  return all.filter((each) => !gone.includes(each))
}

function fits(all: readonly Entry[], budget: Budget): boolean {
  return all.length <= budget.count && all.reduce((sum, { bytes }) => sum + bytes, 0) <= budget.bytes
}

/** What an entry is compared by: an expired one counts for a fifth less. */
function worthAmong(all: readonly Entry[]): (entry: Entry) => number {
  const result = standings(all, now)
  return ({ key, use }) => weight(use, now) * (result.get(key)?.isExpired === true ? 0.8 : 1)
}
