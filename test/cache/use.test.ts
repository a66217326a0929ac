import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { forgettable, merged, REMEMBERED, used, weight, type Use } from '../../src/cache/use.ts'

const DAY = 86_400_000
const start = Date.UTC(2026, 0, 1)

/** Moments of use in their order, within some days. */
const moments = fc
  .array(fc.integer({ min: 0, max: 5 * DAY }), { minLength: 1, maxLength: 30 })
  .map((offsets) => offsets.toSorted((one, other) => one - other).map((offset) => start + offset))

test('a use counts when it was, how often, and how lately', () => {
  fc.assert(
    fc.property(moments, (times) => {
      const use = useOf(times)
      assert.deepEqual([use.firstAt, use.lastAt, use.count], [times[0], times.at(-1), times.length])
      assert.deepEqual(JSON.parse(JSON.stringify(use)), use)
    }),
  )
})

test('without further use the weight only falls, and never to less than nothing', () => {
  fc.assert(
    fc.property(moments, fc.nat(30 * DAY), fc.nat(30 * DAY), (times, sooner, more) => {
      const use = useOf(times)
      const before = weight(use, use.lastAt + sooner)
      const after = weight(use, use.lastAt + sooner + more)
      assert(after <= before && after >= 0)
      if (more > DAY) assert(after < before)
    }),
  )
})

test('one more use always weighs more', () => {
  fc.assert(
    fc.property(moments, fc.nat(30 * DAY), (times, later) => {
      const use = useOf(times)
      const at = use.lastAt + later
      assert(weight(used(use, at), at) > weight(use, at))
    }),
  )
})

test('who was used as often but later weighs more, and who was used more often as lately too', () => {
  const now = start + DAY
  assert(weight(useOf([now - 60_000]), now) > weight(useOf([now - 120_000]), now))
  assert(weight(useOf([start, now - 60_000]), now) > weight(useOf([now - 60_000]), now))
})

test('a session of a day ago weighs less than one use now, and that one soon less than hourly use', () => {
  const session = useOf(Array.from({ length: 50 }, (_, index) => start + index * 12_000))
  const hourly = useOf(Array.from({ length: 24 }, (_, index) => start + (index * DAY) / 24))
  const justNow = useOf([start + DAY])
  const soon = start + DAY + 900_000
  assert(weight(session, start + DAY) < weight(justNow, start + DAY))
  assert(weight(hourly, soon) > weight(justNow, soon))
})

test('uses counted apart are together what one would have counted, in whichever order they are joined', () => {
  fc.assert(
    fc.property(moments, moments, (some, others) => {
      const [one, other] = [useOf(some), useOf(others)]
      const both = merged(one, other)
      assert.deepEqual(both, merged(other, one))
      assertNear(both, useOf([...some, ...others].toSorted((a, b) => a - b)))
    }),
  )
})

test('a clock that was set back neither shortens a memory nor breaks the figures', () => {
  const use = used(used(null, start), start - DAY)
  assert.deepEqual([use.firstAt, use.lastAt, use.count], [start, start, 2])
  assert.equal(weight(use, start - DAY), weight(use, start))
})

test('what is forgotten is the least used, a tenth at once, and only when there are too many', () => {
  const use = (index: number): Use => useOf([start + index])
  const uses = new Map(Array.from({ length: REMEMBERED }, (_, index) => [String(index), use(index)]))
  assert.deepEqual(forgettable(uses, start + DAY), [])
  uses.set('one more', use(REMEMBERED))
  const expected = Array.from({ length: REMEMBERED / 10 + 1 }, (_, index) => String(index))
  assert.deepEqual(forgettable(uses, start + DAY), expected)
})

function useOf(times: readonly number[]): Use {
  return times.reduce<Use | null>(used, null) ?? assert.fail('There is no use without a time')
}

function assertNear(one: Use, other: Use): void {
  for (const [name, value] of Object.entries(one) as [keyof Use, number][]) {
    assert(Math.abs(value - other[name]) <= 1e-9 * Math.max(1, Math.abs(value)), `${name}: ${value}, ${other[name]}`)
  }
}
