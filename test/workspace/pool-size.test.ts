import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { allot, arrivalsPerSecond, asked, targetOf, type Demand, type Kind } from '../../src/workspace/pool-size.ts'

const rules = { base: 2, maxEach: 8, maxAll: 16, maxAgeMs: 300_000 }

/** Demand after arrivals at these times. */
function after(times: readonly number[]): Demand {
  const [first = 0, ...others] = times.toSorted((a, b) => a - b)
  return others.reduce<Demand>(asked, asked(null, first))
}

const kindOf = (times: readonly number[], more: Partial<Kind> = {}): Kind => ({
  demand: after(times),
  refillMs: 20,
  isWantedAtOnce: false,
  ...more,
})

const evenly = (count: number, everyMs: number): number[] => Array.from({ length: count }, (_, at) => at * everyMs)

const someRules = fc.record({
  base: fc.nat(6),
  maxEach: fc.nat(12),
  maxAll: fc.nat(30),
  maxAgeMs: fc.integer({ min: 1, max: 600_000 }),
})
const someKind = fc.record({
  demand: fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 50 }).map(after),
  refillMs: fc.option(fc.double({ min: 0.1, max: 10_000, noNaN: true })),
  isWantedAtOnce: fc.boolean(),
})
const laterMs = fc.nat(1_000_000).map((ms) => 1_000_000 + ms)

test('an image is kept ready from the second question on, so that whoever looks once at everything fills nothing', () => {
  assert.equal(targetOf(kindOf([0]), 0, rules), 0)
  assert.equal(targetOf(kindOf([0, 1000]), 1000, rules), 2)
  assert.equal(targetOf(kindOf([0, rules.maxAgeMs + 1]), rules.maxAgeMs + 1, rules), 0)
  assert.equal(targetOf(kindOf([0], { isWantedAtOnce: true }), 0, rules), 2)
})

test('what nobody asks for any more is kept for its age and not longer', () => {
  const kind = kindOf([0, 1000], { isWantedAtOnce: true })
  assert.equal(targetOf(kind, 1000 + rules.maxAgeMs, rules), 2)
  assert.equal(targetOf(kind, 1001 + rules.maxAgeMs, rules), 0)
})

test('the size follows arrivals times the time of a refill, with room for bursts, up to its bound', () => {
  // 50 a second, of which one arrives in the 20 ms that a refill takes: three wait for one.
  const steady = kindOf(evenly(5000, 20))
  const now = steady.demand.askedAt
  assert(Math.abs(arrivalsPerSecond(steady.demand, now) - 50) < 1)
  assert.equal(targetOf({ ...steady, refillMs: 20 }, now, rules), 4)
  assert.equal(targetOf({ ...steady, refillMs: 5 }, now, rules), rules.base)
  assert.equal(targetOf({ ...steady, refillMs: 2000 }, now, rules), rules.maxEach)
  assert.equal(targetOf({ ...steady, refillMs: null }, now, rules), rules.base)
  assert.equal(targetOf({ ...steady, refillMs: 20 }, now + 60_000, rules), rules.base)
})

test('a target is 0 or within its bounds, and more arrivals or a slower refill never make it smaller', () => {
  fc.assert(
    fc.property(
      someKind,
      someRules,
      laterMs,
      fc.double({ min: 1, max: 100, noNaN: true }),
      (kind, rules, now, times) => {
        const target = targetOf(kind, now, rules)
        assert(Number.isInteger(target) && target >= 0 && target <= Math.max(0, rules.maxEach))
        if (rules.base === 0) assert.equal(target, 0)
        if (target > 0) assert(target >= Math.min(rules.base, rules.maxEach))
        const busier = { ...kind, demand: asked(kind.demand, now) }
        assert(targetOf(busier, now, rules) >= target)
        assert(targetOf({ ...kind, refillMs: (kind.refillMs ?? 0) * times }, now, rules) >= target)
      },
    ),
  )
})

test('arrivals lose weight with time, and never gain any', () => {
  fc.assert(
    fc.property(someKind, laterMs, fc.nat(1_000_000), ({ demand }, now, ms) => {
      const [sooner, later] = [arrivalsPerSecond(demand, now), arrivalsPerSecond(demand, now + ms)]
      assert(sooner >= 0 && later <= sooner)
    }),
  )
})

test('all kinds together stay within their bound, none gets more than it should have, and nothing is left lying', () => {
  fc.assert(
    fc.property(fc.array(someKind, { maxLength: 20 }), someRules, laterMs, (kinds, rules, now) => {
      const given = allot(kinds, now, rules)
      const targets = kinds.map((kind) => targetOf(kind, now, rules))
      const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
      assert.equal(given.length, kinds.length)
      given.forEach((count, index) => assert(count >= 0 && count <= (targets[index] ?? 0)))
      assert.equal(sum(given), Math.min(sum(targets), rules.maxAll))
    }),
  )
})

test('where not all find room, it is those with fewer arrivals that go without', () => {
  fc.assert(
    fc.property(fc.array(someKind, { maxLength: 20 }), someRules, laterMs, (kinds, rules, now) => {
      const given = allot(kinds, now, rules)
      const cut = kinds.filter((kind, index) => (given[index] ?? 0) < targetOf(kind, now, rules))
      const highest = Math.max(...cut.map(({ demand }) => arrivalsPerSecond(demand, now)))
      kinds.forEach(({ demand }, index) => {
        if ((given[index] ?? 0) > 0) assert(cut.length === 0 || arrivalsPerSecond(demand, now) >= highest)
      })
    }),
  )
})
