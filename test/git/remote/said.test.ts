import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { gatherSaid } from '../../../src/git/remote/said.ts'

function said(...pieces: string[]): readonly string[] {
  const gathered = gatherSaid()
  for (const piece of pieces) gathered.add(piece)
  return gathered.lines()
}

test('lines are as a terminal would leave them, in plain letters', () => {
  assert.deepEqual(said('one\ntw', 'o\n\n', '  \nCounting: 1%\rCounting: 99%\r\nlast'), [
    'one',
    'two',
    'Counting: 99%',
    'last',
  ])
  assert.deepEqual(said('\u001b[1;31mno\u001b[0m\tway\u202e https://user:secret@host/x\u0007\n'), [
    'no way? https://host/x?',
  ])
})

test('of endless talk the end is kept, and whatever was said is short and has no control characters', () => {
  const many = said(...Array.from({ length: 100_000 }, (_, index) => `line ${index}\n`))
  assert.equal(many.length, 50)
  assert.equal(many.at(-1), 'line 99999')
  assert(said('x'.repeat(1_000_000)).join('').length <= 300)
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (pieces) => {
      for (const text of said(...pieces)) {
        assert(text.length > 0 && text.length <= 300)
        // oxlint-disable-next-line no-control-regex -- these must not come through
        assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/)
      }
    }),
  )
})
