import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { leastRecentlyUsed, optimum } from '../../bench/simulate/plain-policies.ts'
import { plot } from '../../bench/simulate/plot.ts'
import { independent, type Workload } from '../../bench/simulate/workloads.ts'

const workloads = fc.array(fc.nat(5), { minLength: 1, maxLength: 12 }).map((keys): Workload => ({
  name: 'few',
  repositories: 6,
  at: Float64Array.from(keys, (_, index) => index),
  repository: Uint32Array.from(keys),
}))

test('the optimum has as many hits as the best of all ways to evict', () => {
  fc.assert(
    fc.property(workloads, fc.integer({ min: 1, max: 4 }), (workload, budget) => {
      const hits = optimum(workload, budget).reduce((sum, hit) => sum + hit, 0)
      assert.equal(hits, mostHits([...workload.repository], [], budget))
    }),
  )
})

test('LRU keeps the last ones used, and a TTL ends them', () => {
  const workload = {
    name: '',
    repositories: 4,
    at: Float64Array.of(0, 1, 2, 3, 4, 15),
    repository: Uint32Array.of(1, 2, 1, 3, 1, 1),
  }
  assert.deepEqual([...leastRecentlyUsed(workload, 2, Infinity)], [0, 0, 1, 0, 1, 1])
  assert.deepEqual([...leastRecentlyUsed(workload, 2, 10)], [0, 0, 1, 0, 1, 0])
  assert.deepEqual([...leastRecentlyUsed(workload, 1, Infinity)], [0, 0, 0, 0, 0, 1])
})

test('a workload is the same each time, in the order of time, and as popular as its exponent says', () => {
  const workload = independent(100, 1, 20)
  assert.deepEqual(workload, independent(100, 1, 20))
  assert(workload.at.every((at, index) => at >= (workload.at[index - 1] ?? 0)))
  const asked = (rank: number) => workload.repository.filter((each) => each === rank).length
  const ratio = asked(0) / asked(9)
  assert(ratio > 9 && ratio < 11, String(ratio))
})

test('the plot has a curve and a name for each policy', () => {
  const line = { workload: '', repositories: 1, lru: 0.6, lruTtl: 0.6, forkyard: 0.7, optimum: 0.8 }
  const more = { coldSecondsAvoided: 0, coldSecondsMore: 0, sandboxHours: 0 }
  const svg = plot(
    [
      { ...line, ...more, share: 0.1 },
      { ...line, ...more, share: 0.4 },
    ],
    'A title',
  )
  assert.equal(svg.match(/class="curve/g)?.length, 4)
  for (const name of ['optimum', 'forkyard', 'LRU', 'LRU, 1 h']) assert(svg.includes(`>${name}</text>`))
  assert(!svg.includes('NaN'))
})

/** By trying everything. */
function mostHits(keys: readonly number[], held: readonly number[], budget: number): number {
  const [key, ...rest] = keys
  if (key === undefined) return 0
  if (held.includes(key)) return 1 + mostHits(rest, held, budget)
  if (held.length < budget) return mostHits(rest, [...held, key], budget)
  return Math.max(...held.map((gone) => mostHits(rest, [...held.filter((each) => each !== gone), key], budget)))
}
