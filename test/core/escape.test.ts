import assert from 'node:assert/strict'
import test from 'node:test'
import { escapeLine, escapeText } from '../../src/core/escape.ts'

test('control and bidirectional characters become visible, other text stays', () => {
  assert.equal(escapeLine('a\u001b[2Jb\u0007\u009b\u202ec\u2066'), 'a\\x1b[2Jb\\x07\\x9b\\u202ec\\u2066')
  assert.equal(escapeLine('grüße 日本 🙂'), 'grüße 日本 🙂')
})

test('a line keeps no newline or tab, a text keeps both but no carriage return', () => {
  assert.equal(escapeLine('a\nb\tc\rd'), 'a\\nb\\tc\\rd')
  assert.equal(escapeText('a\nb\tc\rd'), 'a\nb\tc\\rd')
})
