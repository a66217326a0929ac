import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { evictions } from '../../src/cache/retention.ts'
import { shadowCache } from '../../src/cache/shadow-cache.ts'
import { used, type Use } from '../../src/cache/use.ts'

const requests = fc.array(fc.record({ key: fc.nat(20).map(String), gapMs: fc.integer({ min: 1, max: 3_600_000 }) }), {
  maxLength: 200,
})

test('a small shadow holds exactly what the policy leaves of a cache', () => {
  fc.assert(
    fc.property(requests, fc.integer({ min: 1, max: 12 }), fc.constantFrom('use', 'recency'), (all, room, order) => {
      const shadow = shadowCache()
      const uses = new Map<string, Use>()
      const held = new Map<string, Use>()
      let now = 0
      for (const { key, gapMs } of all) {
        now += gapMs
        const use = used(uses.get(key) ?? null, now)
        uses.set(key, use)
        held.set(key, use)
        shadow.put(key, use, { room, order })
        const entries = [...held].map(([each, its]) => ({ key: each, use: its, bytes: 0, isHeld: each === key }))
        for (const gone of evictions(entries, { bytes: Infinity, count: room }, now, order)) held.delete(gone.key)
        assert.deepEqual(new Map(shadow.entries()), held)
        assert.deepEqual([shadow.size, shadow.has(key)], [held.size, true])
      }
    }),
  )
})

test('a large shadow, which chooses ahead, is never over its room, and keeps who is used after being chosen', () => {
  const shadow = shadowCache()
  for (let index = 0; index < 640; index += 1)
    shadow.put(`${index}`, used(null, index), { room: 640, order: 'recency' })
  shadow.put('640', used(null, 640), { room: 640, order: 'recency' })
  shadow.put('1', used(null, 641), { room: 640, order: 'recency' })
  shadow.put('642', used(null, 642), { room: 640, order: 'recency' })
  assert.deepEqual(
    ['0', '1', '2', '3'].map((key) => shadow.has(key)),
    [false, true, false, true],
  )
  shadow.put('643', used(null, 643), { room: 100, order: 'recency' })
  assert.equal(shadow.size, 100)
})
