import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mannWhitneyP } from '../../bench/measure/mann-whitney.ts'

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at)

test('the p-value is that of the textbook, with and without ties', () => {
  const men = [19, 22, 16, 29, 24]
  const women = [20, 11, 17, 12]
  assert.equal(mannWhitneyP(men, women).toFixed(4), '0.1113')
  assert.equal(mannWhitneyP(women, men).toFixed(4), '0.1113')
  assert.equal(mannWhitneyP([1, 2, 2, 3], [2, 3, 3, 4]).toFixed(4), '0.1720')
})

test('equal samples are no evidence, and samples apart are', () => {
  assert(mannWhitneyP(range(0, 200), range(0, 200)) > 0.99)
  assert.equal(mannWhitneyP([5, 5, 5], [5, 5, 5]), 1)
  assert(mannWhitneyP(range(0, 200), range(200, 400)) < 1e-10)
  assert(mannWhitneyP(range(0, 200), range(15, 215)) < 0.05)
})
