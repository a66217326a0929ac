import assert from 'node:assert/strict'
import { test } from 'node:test'
import { savingRow, shortfalls, type Line } from '../../bench/measure/before-after.ts'

const aims = { each: 0.85, total: 0.95 }

function line(name: string, before: readonly number[], after: readonly number[]): Line {
  const samples = (all: readonly number[]) => all.map((ms) => ({ ms, bytes: null }))
  return { name, before: samples(before), after: samples(after) }
}

test('a row has the medians of both sides, in sum where there are several lines', () => {
  const [log, diff] = [line('log', [900, 1000, 5000], [20, 10, 90]), line('diff', [3000], [180])]
  assert.deepEqual(savingRow('log', [log]), ['log', '1000 ms', '20.0 ms', '98.0 %'])
  assert.deepEqual(savingRow('both', [log, diff]), ['both', '4000 ms', '200 ms', '95.0 %'])
})

test('a line that saves too little is named, and so is the total of those that count', () => {
  const [much, enough, little] = [line('much', [100], [2]), line('enough', [100], [15]), line('little', [100], [16])]
  assert.deepEqual(shortfalls([much, enough], [much], aims), [])
  assert.deepEqual(shortfalls([much, little], [much, enough], aims), [
    'little: 84.0 % less, not 85.0 %',
    'in total: 91.5 % less, not 95.0 %',
  ])
})

test('what could not be measured saves nothing', () => {
  assert.deepEqual(shortfalls([line('lost', [100], [NaN])], [line('much', [100], [2])], aims), [
    'lost: NaN % less, not 85.0 %',
  ])
})
