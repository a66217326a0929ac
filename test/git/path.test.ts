import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import test from 'node:test'
import fc from 'fast-check'
import { pathProblem } from '../../src/git/path.ts'

test('paths that leave the repository or lead into its git directory are refused', () => {
  const refused = [
    ...[
      '',
      '/',
      '/etc/passwd',
      '..',
      '../x',
      'a/../b',
      'a/..',
      './a',
      '.',
      'a//b',
      'a\0b',
      'a'.repeat(4097),
      'a'.repeat(256),
    ],
    ...[
      '.git',
      '.GIT/config',
      'a/.git/x',
      'git~1',
      'GIT~1/config',
      '.git.',
      '.git ',
      '.git . ',
      '.git::$INDEX_ALLOCATION',
      '.git\\x',
    ],
    ...['.g\u200cit', '\ufeff.git/config', '.gi\u202et'],
    ...['a\ud800'],
  ]
  for (const path of refused) assert.notEqual(pathProblem(path), null, JSON.stringify(path))
  for (const bytes of ['/\xff', '\xff/../x', '.git/\xff', '\xff\0']) {
    assert.notEqual(pathProblem({ base64: Buffer.from(bytes, 'latin1').toString('base64') }), null, bytes)
  }
})

test('odd but harmless paths are accepted', () => {
  const accepted = [
    'a',
    'a/',
    'a/b',
    '-rf',
    '--',
    '.gitignore',
    '.github/x',
    'a..b',
    '...',
    'a\nb',
    'git~2',
    ' ',
    '*',
    ':(top)x',
    'x.git',
  ]
  for (const path of accepted) assert.equal(pathProblem(path), null, JSON.stringify(path))
  assert.equal(pathProblem({ base64: Buffer.from([0xff, 0x0a]).toString('base64') }), null)
})

test('an accepted path never resolves outside of its repository', () => {
  const segment = fc.oneof(fc.constantFrom('..', '.', '', 'a', '.git', '.Git'), fc.string())
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1 }), (segments) => {
      const path = segments.join('/')
      if (pathProblem(path) !== null) return
      assert.ok(resolve('/repo', path).startsWith('/repo/'))
      assert.ok(!path.split('/').some((part) => part === '..' || part.toLowerCase() === '.git'))
    }),
  )
})
