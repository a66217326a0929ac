import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { heavyHitters } from '../../src/metrics/heavy-hitters.ts'

const electionMs = 1000

/** One with few places, and the time that it sees. */
function made({ chosen = 3, counted = 10 } = {}) {
  const time = { ms: 0 }
  const dropped: string[] = []
  const hitters = heavyHitters({
    chosen,
    counted,
    electionMs,
    clock: { monotonic: () => time.ms },
    onDropped: (name) => void dropped.push(name),
  })
  return { hitters, time, dropped }
}

const names = fc.array(fc.integer({ min: 0, max: 60 }).map(String), { maxLength: 400 })

test('never more names are told apart than there are places, whatever comes, and the answer is the truth', () => {
  fc.assert(
    fc.property(names, fc.array(fc.nat(3000)), (stream, steps) => {
      const { hitters, time } = made()
      for (const [at, name] of stream.entries()) {
        time.ms += steps[at % Math.max(1, steps.length)] ?? 0
        assert.equal(hitters.count(name), hitters.chosen.has(name))
        assert(hitters.chosen.size <= 3)
      }
    }),
  )
})

test('between two elections nobody loses a place, and each that does is told once', () => {
  fc.assert(
    fc.property(names, (stream) => {
      const { hitters, time, dropped } = made()
      const seen = new Set<string>()
      for (const [at, name] of stream.entries()) {
        const before = new Set(hitters.chosen)
        const droppedBefore = dropped.length
        const isElection = at % 50 === 49
        if (isElection) time.ms += electionMs
        hitters.count(name)
        const gone = [...before].filter((each) => !hitters.chosen.has(each))
        assert.deepEqual(dropped.slice(droppedBefore).toSorted(), gone.toSorted())
        if (!isElection) assert.deepEqual(gone, [])
        for (const each of hitters.chosen) seen.add(each)
      }
      // What is ever told apart is bounded by elections, not by how many names there are.
      assert(seen.size <= 3 * (1 + Math.floor(stream.length / 50)))
    }),
  )
})

test('a name that comes more often than one in so many is found among any others, and takes a place', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 100, maxLength: 400 }), (others) => {
      const { hitters, time } = made()
      for (const first of ['a', 'b', 'c']) hitters.count(first)
      for (const [at, other] of others.entries()) {
        hitters.count(`other ${other}`)
        if (at % 4 === 0) hitters.count('frequent')
      }
      assert.equal(hitters.chosen.has('frequent'), false)
      time.ms += electionMs
      assert.equal(hitters.count('frequent'), true)
    }),
  )
})

test('who was frequent once makes room for who is now', () => {
  const { hitters, time, dropped } = made({ chosen: 1 })
  for (let at = 0; at < 100; at += 1) hitters.count('old')
  for (let election = 0; election < 8; election += 1) {
    for (let at = 0; at < 20; at += 1) hitters.count('new')
    time.ms += electionMs
  }
  hitters.count('new')
  assert.deepEqual([[...hitters.chosen], dropped], [['new'], ['old']])
})
