import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fastest, measureInTurns, summarise, type Side } from '../../bench/measure/sides.ts'

const { signal } = new AbortController()

function side(name: string, ms: number, order: string[]): Side {
  return {
    name,
    run: async () => {
      order.push(name)
      return { ms, bytes: null }
    },
    clean: async () => void order.push('clean'),
  }
}

test('sides take turns at going first and are cleaned up after each run', async () => {
  const order: string[] = []
  const measured = await measureInTurns([side('a', 1, order), side('b', 2, order)], { rounds: 2, signal })
  assert.deepEqual(order, ['a', 'clean', 'b', 'clean', 'b', 'clean', 'a', 'clean'])
  assert.deepEqual(
    measured.map(({ samples }) => samples.length),
    [2, 2],
  )
})

test('a side that fails is cleaned up and stops the measuring', async () => {
  const order: string[] = []
  const broken: Side = { ...side('a', 1, order), run: () => Promise.reject(new Error('broken')) }
  await assert.rejects(measureInTurns([broken, side('b', 1, order)], { rounds: 1, signal }), /broken/)
  assert.deepEqual(order, ['clean'])
})

test('the summary gives the median, the 95th percentile and both ends', () => {
  const samples = [40, 10, 30, 20].map((ms) => ({ ms, bytes: null }))
  const { p50, p95, min, max } = summarise(samples)
  assert.deepEqual([p50, Math.round(p95 * 10) / 10, min, max], [25, 38.5, 10, 40])
})

test('the fastest side is the one with the smallest median', () => {
  const of = (name: string, ...all: number[]) => ({ name, samples: all.map((ms) => ({ ms, bytes: null })) })
  assert.equal(fastest([of('mean', 1, 50, 60), of('steady', 20, 20, 20), of('slow', 30, 30, 30)]).name, 'steady')
})
