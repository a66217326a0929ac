import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { matchesGlob } from '../../src/git/glob.ts'

test('a star stands for anything, a question mark for one character', () => {
  assert.ok(matchesGlob('*', ''))
  assert.ok(matchesGlob('release/*', 'release/1/2'))
  assert.ok(matchesGlob('v?.*', 'v1.0'))
  assert.ok(!matchesGlob('v?', 'v10'))
  assert.ok(!matchesGlob('main', 'mainly'))
})

test('matching agrees with the same pattern as a regular expression', () => {
  const text = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 8 }).map((parts) => parts.join(''))
  const pattern = fc.array(fc.constantFrom('a', 'b', '/', '*', '?'), { maxLength: 6 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(pattern, text, (glob, name) => {
      const regexp = new RegExp(`^${glob.replaceAll('*', '.*').replaceAll('?', '.')}$`)
      assert.equal(matchesGlob(glob, name), regexp.test(name))
    }),
  )
})
