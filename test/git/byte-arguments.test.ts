import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import test from 'node:test'
import fc from 'fast-check'
import { stringArgv } from '../../src/git/byte-arguments.ts'

// Prints its arguments NUL-ended: what a program really receives.
const printer: readonly string[] = ['perl', '-e', 'print map { "$_\\0" } @ARGV', '--']

function received(argv: readonly (string | Buffer)[]): Buffer {
  const [file = '', ...args] = stringArgv([...printer, ...argv])
  return execFileSync(file, args, { env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } })
}

function ended(argv: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(argv.flatMap((argument) => [Buffer.from(argument), Buffer.of(0)]))
}

test('arguments that are UTF-8 go as they are', () => {
  assert.deepEqual(stringArgv(['git', 'log', Buffer.from('é')]), ['git', 'log', 'é'])
})

test('odd bytes arrive exactly, and are no shell syntax', () => {
  const odd = [
    '\n',
    'a\n\n',
    '\xff\n',
    "'",
    '"',
    '$(exit 3)',
    '`x`',
    '\\',
    '\\0101',
    '%s',
    '-n',
    '-e',
    '',
    ' ',
    '*',
    '\xe2',
    'é',
    '.',
    '..',
  ]
  const argv = [Buffer.from([0xff]), ...odd.map((text) => Buffer.from(text, 'latin1'))]
  assert.deepEqual(received(argv), ended(argv))
})

test('any bytes but NUL arrive exactly', () => {
  const bytes = fc.uint8Array({ minLength: 0, maxLength: 20, min: 1 }).map((array) => Buffer.from(array))
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 4 }), (args) => {
      const argv = [Buffer.from([0xfe]), ...args]
      assert.deepEqual(received(argv), ended(argv))
    }),
    { numRuns: 50 },
  )
})
