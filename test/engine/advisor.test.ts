import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { advise, type AdvisorFigures } from '../../src/engine/advisor.ts'

const well: AdvisorFigures = {
  instances: 1,
  creationMs: 10,
  cache: { hits: 900, misses: 100, regrets: 0 },
  pool: { hits: 900, misses: 100, wastedIdleSeconds: 60 },
}

function rules(change: Partial<AdvisorFigures>): readonly string[] {
  return advise({ ...well, ...change }).map(({ rule }) => rule)
}

test('where all is well nothing is advised, nor where too little was measured', () => {
  assert.deepEqual(rules({}), [])
  const few = { hits: 0, misses: 49 }
  assert.deepEqual(
    rules({
      instances: 3,
      creationMs: null,
      cache: { ...few, regrets: 49 },
      pool: { ...few, wastedIdleSeconds: 9999 },
    }),
    [],
  )
})

test('Redis is advised where several instances make sandboxes slowly and mostly hit, and only then', () => {
  const slow = { instances: 2, creationMs: 501 }
  assert.deepEqual(rules(slow), ['redis'])
  assert.match(advise({ ...well, ...slow })[0]?.advice ?? '', /2 instances, 501 ms .* 90 % hits/)
  assert.deepEqual(rules({ ...slow, instances: 1 }), [])
  assert.deepEqual(rules({ ...slow, creationMs: 500 }), [])
  assert.deepEqual(rules({ ...slow, cache: { hits: 80, misses: 20, regrets: 0 } }), [])
})

test('the pool is to grow where many find nothing ready, to shrink where sandboxes wait for nobody', () => {
  const advice = (pool: AdvisorFigures['pool']) => advise({ ...well, pool }).map((one) => one.advice)
  assert.match(advice({ hits: 70, misses: 30, wastedIdleSeconds: 0 })[0] ?? '', /^Raise .* 30 % of 100 takes/)
  assert.match(advice({ hits: 80, misses: 20, wastedIdleSeconds: 4801 })[0] ?? '', /^Lower .* 4801 s for nothing/)
  assert.deepEqual(advice({ hits: 80, misses: 20, wastedIdleSeconds: 4800 }), [])
})

test('more room is advised where what was evicted is asked for again', () => {
  assert.deepEqual(rules({ cache: { hits: 900, misses: 100, regrets: 11 } }), ['budget'])
  assert.deepEqual(rules({ cache: { hits: 900, misses: 100, regrets: 10 } }), [])
})

test('no figures make an answer that is no sentence', () => {
  const count = fc.nat({ max: 10_000 })
  const figures = fc.record({
    instances: count,
    creationMs: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })),
    cache: fc.record({ hits: count, misses: count, regrets: count }),
    pool: fc.record({ hits: count, misses: count, wastedIdleSeconds: count }),
  })
  fc.assert(
    fc.property(figures, (given) => {
      const said = advise(given)
      assert.equal(new Set(said.map(({ rule }) => rule)).size, said.length)
      for (const { advice } of said) assert.match(advice, /^[A-Z](?!.*(?:NaN|Infinity|undefined)).*\.$/)
    }),
  )
})
