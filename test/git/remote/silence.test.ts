import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchSilence } from '../../../src/git/remote/silence.ts'

test('only what the other side owes counts: room for the request, and an answer once all of it is out', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let limitMs = 1000
  const broken: number[] = []
  const silence = watchSilence({ limitMs: () => limitMs, onSilence: (ms) => broken.push(ms) })
  const pass = (ms: number) => {
    t.mock.timers.tick(ms)
    return broken.splice(0)
  }
  silence.onAnswer(true)
  assert.deepEqual(pass(60_000), [], 'the request is still being made')
  silence.onRoom(true)
  assert.deepEqual(pass(900), [])
  silence.onRoom(false)
  assert.deepEqual(pass(900), [], 'it took some')
  silence.onRoom(true)
  assert.deepEqual(pass(1000), [1000])
  silence.onRoom(false)
  silence.onSent()
  assert.deepEqual(pass(999), [])
  silence.onAnswer(false)
  limitMs = 50
  assert.deepEqual(pass(60_000), [], 'we are the ones who are busy')
  silence.onAnswer(true)
  assert.deepEqual(pass(50), [50])
  silence.onAnswer(true)
  silence.end()
  assert.deepEqual(pass(60_000), [])
  limitMs = Infinity
  silence.onAnswer(true)
  assert.deepEqual(pass(60_000), [])
})
