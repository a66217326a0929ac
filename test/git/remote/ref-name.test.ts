import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isFullId, isRefName } from '../../../src/git/remote/ref-name.ts'
import { hermeticGit } from '../../support/repository.ts'

async function gitAccepts(name: string): Promise<boolean> {
  const out = await hermeticGit('/', ['check-ref-format', '--normalize', name], { okExitCodes: [0, 1] })
  return out.toString() === `${name}\n`
}

test('a name below refs/ is accepted exactly when git accepts it', async () => {
  const odd = [
    '.',
    '..',
    'x.lock',
    'x.lock.y',
    '@',
    '@{',
    'a@{b',
    '-',
    '-x',
    'x.',
    '.x',
    '\u00e9',
    '{',
    '}',
    '!',
    '$(x)',
    "'",
    '"',
  ]
  const bad = [
    ' ',
    '~',
    '^',
    ':',
    '?',
    '*',
    '[',
    '\\',
    '\t',
    '\u007f',
    '/',
    '//',
    'x/',
    '/x',
    'a/.b',
    'a.lock/b',
    ']',
    '@{}',
  ]
  const names = [...odd, ...bad, ...bad.map((text) => `a${text}b`)].map((tail) => `refs/heads/${tail}`)
  for (const name of names) assert.equal(isRefName(name), await gitAccepts(name), name)
  const part = fc.string({
    unit: fc.constantFrom('a', '.', '/', '@', '{', '-', 'lock', '.lock', '~', ' ', 'b'),
    maxLength: 6,
  })
  await fc.assert(
    fc.asyncProperty(part, async (tail) => {
      assert.equal(isRefName(`refs/${tail}`), await gitAccepts(`refs/${tail}`))
    }),
    { numRuns: 60 },
  )
})

test('nothing outside of refs/ but HEAD is a full name', () => {
  for (const name of ['', 'main', 'heads/main', '--upload-pack=x', 'FETCH_HEAD', 'refs', 'config', '/refs/heads/x']) {
    assert.equal(isRefName(name), false, name)
  }
  assert.equal(isRefName('HEAD'), true)
})

test('a full id has 40 or 64 hex digits', () => {
  for (const text of ['a'.repeat(40), 'F'.repeat(64)]) assert.equal(isFullId(text), true)
  for (const text of ['', 'a'.repeat(39), 'a'.repeat(41), 'g'.repeat(40), `${'a'.repeat(40)}\n`])
    assert.equal(isFullId(text), false)
})
