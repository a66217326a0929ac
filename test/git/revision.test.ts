import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import test from 'node:test'
import fc from 'fast-check'
import { isOid, parseRevision, refProblem, resolved } from '../../src/git/revision.ts'
import { AppError } from '../../src/core/errors.ts'
import { hermeticEnv } from '../support/repository.ts'

const id = '1234567890abcdef1234567890abcdef12345678'

test('a revision is a ref and its steps, with the generations they need', () => {
  assert.deepEqual(parseRevision('main'), { ref: 'main', steps: '', depth: 1 })
  assert.deepEqual(parseRevision('HEAD~3^2'), { ref: 'HEAD', steps: '~3^2', depth: 5 })
  assert.deepEqual(parseRevision('refs/tags/v1^'), { ref: 'refs/tags/v1', steps: '^', depth: 2 })
  assert.deepEqual(parseRevision('topic/x~^0~2'), { ref: 'topic/x', steps: '~^0~2', depth: 4 })
  assert.deepEqual(parseRevision(`${id.toUpperCase()}~`), { ref: id, steps: '~', depth: 2 })
})

test('everything beyond the grammar is refused with ref_invalid', () => {
  const refused = [
    ...[
      '',
      '-x',
      '--output=/tmp/x',
      '~1',
      '^main',
      'main..topic',
      'main...topic',
      'main@{1}',
      '@',
      '@{u}',
      ':/text',
      'HEAD:path',
    ],
    ...[
      'main^{tree}',
      'main^{/x}',
      'main^!',
      'main^@',
      'main^-',
      'main~1x',
      'main~99999999',
      'main~999999~999999',
      'main ',
      'a b',
    ],
    ...[
      'a\nb',
      'a\x1b',
      'a\x7f',
      'a\0',
      'x'.repeat(1025),
      'a\ud800',
      'a//b',
      'refs/heads/',
      '/a',
      'a.lock',
      '.a',
      'a/.b',
      'a.',
      'a\\b',
    ],
  ]
  for (const text of refused) {
    assert.throws(
      () => parseRevision(text),
      (error) => error instanceof AppError && error.code === 'ref_invalid',
      JSON.stringify(text),
    )
  }
})

test('names with shell metacharacters are names, for no shell ever sees them', () => {
  assert.equal(parseRevision('main$(touch${IFS}x)').ref, 'main$(touch${IFS}x)')
})

test('ref names are judged as git check-ref-format judges them', () => {
  const part = fc.oneof(
    fc.constantFrom(
      'a',
      '.',
      '..',
      '/',
      '@',
      '{',
      '@{',
      '.lock',
      'lock',
      '~',
      '^',
      ':',
      '?',
      '*',
      '[',
      '\\',
      ' ',
      '\t',
      '\x7f',
      '-',
      'é',
      '"',
    ),
    fc.string({ maxLength: 3 }),
  )
  const name = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''))
  const usable = name.filter((text) => text.isWellFormed() && !text.includes('\0') && !text.startsWith('-'))
  fc.assert(
    fc.property(usable, (text) => {
      const { status } = spawnSync('git', ['check-ref-format', '--allow-onelevel', text], { env: hermeticEnv })
      assert.equal(refProblem(text) === null, status === 0, JSON.stringify(text))
    }),
    { numRuns: 200 },
  )
})

test('only full lower-case hexadecimal is an object id', () => {
  assert.ok(isOid(id))
  assert.ok(isOid('a'.repeat(64)))
  for (const text of ['', id.slice(1), id.toUpperCase(), `${id}\n`, 'g'.repeat(40), 'a'.repeat(63)])
    assert.ok(!isOid(text))
})

test('a revision that nobody resolved never reaches git', () => {
  assert.equal(resolved(id), id)
  assert.throws(() => resolved(null), /not resolved/)
  assert.throws(() => resolved('main'), /not resolved/)
})
