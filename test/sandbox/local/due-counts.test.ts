import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dueCounts, type Amounts, type Counted } from '../../../src/sandbox/local/due-counts.ts'

const most: Amounts = { bytes: 1000, inodes: 100 }
const free: Amounts = { bytes: 10_000, inodes: 1000 }
const of = (used: number, freeThen: number | null, more: Partial<Counted> = {}): Counted => ({
  ...{ used, free: freeThen, at: 0, tookMs: 5 },
  ...more,
})
const quiet = { bytes: of(200, 10_000), inodes: of(20, 1000) }

test('what was never counted is counted', () => {
  assert.deepEqual(dueCounts({}, { free, most, now: 0 }), ['bytes', 'inodes'])
  assert.deepEqual(dueCounts({ bytes: quiet.bytes }, { free, most, now: 0 }), ['inodes'])
})

test('nothing is counted again while the file system has hardly less than before, or more', () => {
  assert.deepEqual(dueCounts(quiet, { free, most, now: 9999 }), [])
  assert.deepEqual(dueCounts(quiet, { free: { bytes: 9800, inodes: 2000 }, most, now: 9999 }), [])
})

test('a quarter of the room that is gone has everything counted that it may belong to', () => {
  assert.deepEqual(dueCounts(quiet, { free: { bytes: 9799, inodes: 1000 }, most, now: 1 }), ['bytes'])
  assert.deepEqual(dueCounts(quiet, { free: { bytes: 10_000, inodes: 979 }, most, now: 1 }), ['inodes'])
  const nearlyFull = { ...quiet, bytes: of(996, 10_000) }
  assert.deepEqual(dueCounts(nearlyFull, { free: { bytes: 9998, inodes: 1000 }, most, now: 1 }), ['bytes'])
})

test('where there was too much, it is counted whether it still is', () => {
  const over = { ...quiet, bytes: of(2000, 10_000) }
  assert.deepEqual(dueCounts(over, { free: { bytes: 11_900, inodes: 1000 }, most, now: 1 }), ['bytes'])
})

test('now and then it is counted all the same, less often where that takes long', () => {
  assert.deepEqual(dueCounts(quiet, { free, most, now: 10_000 }), ['bytes', 'inodes'])
  const slow = { bytes: of(200, 10_000, { tookMs: 1000 }), inodes: quiet.inodes }
  assert.deepEqual(dueCounts(slow, { free, most, now: 99_999 }), ['inodes'])
  assert.deepEqual(dueCounts(slow, { free, most, now: 100_000 }), ['bytes', 'inodes'])
})

test('where nobody says what is free, it is counted as often as that may take an eighth of the time', () => {
  const blind: Amounts = { bytes: 10_000, inodes: null }
  assert.deepEqual(dueCounts(quiet, { free: blind, most, now: 39 }), [])
  assert.deepEqual(dueCounts(quiet, { free: blind, most, now: 40 }), ['inodes'])
})
