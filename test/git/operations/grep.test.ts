import assert from 'node:assert/strict'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { exactBytes, toExactText } from '../../../src/git/bytes.ts'
import { grep } from '../../../src/git/operations/grep.ts'
import { makeRepository } from '../../support/repository.ts'
import { makeRichRepository, oddBytes } from '../../support/rich-repository.ts'
import { runOperation, scratchDir } from '../../support/operation-run.ts'

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`matching lines are those git finds, in files of any name (${objectFormat})`, async (t) => {
    const dir = await scratchDir(t)
    const { last, ...repository } = await makeRichRepository(dir, { objectFormat })
    const { lines, matches, truncated } = await runOperation(grep, dir, { pattern: 'named|odd|line 3' })
    const raw = await repository.gitBytes(['grep', '-z', '-n', '-I', '-E', '-e', 'named|odd|line 3', last])
    const told = lines.map(({ path, line, text }) =>
      Buffer.concat([
        Buffer.from(`${last}:`),
        exactBytes(path),
        Buffer.from(`\0${line}\0`),
        exactBytes(text),
        Buffer.from('\n'),
      ]),
    )
    assert.ok(Buffer.concat(told).equals(raw))
    assert.deepEqual([matches, truncated], [lines.length, false])
    assert.ok(lines.some(({ path }) => JSON.stringify(path) === JSON.stringify(toExactText(oddBytes))))
  })
}

test('a pattern is never taken for a flag', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const proof = join(dir, 'ran')
  const flag = `--open-files-in-pager=touch ${proof}`
  await repository.commit({ files: { a: `x ${flag}\n-f/etc/passwd\n`, b: 'touch\n' } })
  const texts = async (pattern: string) =>
    (await runOperation(grep, dir, { pattern, syntax: 'fixed' })).lines.map(({ text }) => text)
  assert.deepEqual(await texts(flag), [`x ${flag}`])
  assert.deepEqual(await texts('-f/etc/passwd'), ['-f/etc/passwd'])
  await assert.rejects(access(proof))
  // Unprotected git takes it for one, and runs it.
  await repository.checkout()
  await repository.git(['grep', flag, 'touch'])
  await access(proof)
})

test('syntaxes, case and whole words', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit({ files: { a: 'a.b\naxb\nA.B\nfoo(bar)\nfoobar\n' } })
  const of = async (pattern: string, input: object = {}) =>
    (await runOperation(grep, dir, { pattern, ...input })).lines.map(({ line, column }) => [line, column])
  assert.deepEqual(await of('a.b'), [
    [1, 1],
    [2, 1],
  ])
  assert.deepEqual(await of('a.b', { syntax: 'fixed' }), [[1, 1]])
  assert.deepEqual(await of('a.b', { syntax: 'fixed', ignoreCase: true }), [
    [1, 1],
    [3, 1],
  ])
  assert.deepEqual(await of('bar', { wholeWords: true }), [[4, 5]])
  assert.deepEqual(await of('foo(?=bar)', { syntax: 'perl' }), [[5, 1]])
  assert.deepEqual(await of('nothing at all'), [])
  await assert.rejects(of('foo('), (error) => hasCode(error, 'input_invalid'))
  for (const pattern of ['', 'a\nb', 'a\0b'])
    await assert.rejects(of(pattern), (error) => hasCode(error, 'input_invalid'))
})

test('context lines are told apart from matches', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit({ files: { a: '1\n2\nhit\n4\n5\n6\n7\nhit\n', '--\n12': 'hit\n34\n' } })
  const { lines, matches } = await runOperation(grep, dir, { pattern: 'hit', contextLines: 1 })
  assert.deepEqual(
    lines.map(({ path, line, column }) => [path, line, column]),
    [
      ['--\n12', 1, 1],
      ['--\n12', 2, null],
      ['a', 2, null],
      ['a', 3, 1],
      ['a', 4, null],
      ['a', 7, null],
      ['a', 8, 1],
    ],
  )
  assert.equal(matches, 3)
})

test('limits on lines and bytes are marked', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit({ files: { a: 'hit\n'.repeat(10) } })
  const of = async (input: object) => {
    const { matches, truncated } = await runOperation(grep, dir, { pattern: 'hit', ...input })
    return [matches, truncated]
  }
  assert.deepEqual(await of({ limit: 10 }), [10, false])
  assert.deepEqual(await of({ limit: 9 }), [9, true])
  assert.deepEqual(await of({ maxBytes: 8 }), [2, true])
})

test('paths are literal, links are not followed, binary files are passed over', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit({
    files: {
      'src/a': 'hit\n',
      '*': 'hit\n',
      b: 'hit\n',
      bin: Buffer.from('hit\0\n'),
      link: { symlink: '/etc/passwd' },
    },
  })
  const of = async (paths: string[], pattern = 'hit') =>
    (await runOperation(grep, dir, { pattern, paths })).lines.map(({ path }) => path)
  assert.deepEqual(await of([]), ['*', 'b', 'src/a'])
  assert.deepEqual(await of(['*']), ['*'])
  assert.deepEqual(await of(['src', 'b']), ['b', 'src/a'])
  assert.deepEqual(await of([], 'root:'), [])
})

test('text conversion never runs', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit({ files: { 'a.txt': 'plain\n', '.gitattributes': '*.txt diff=evil\n' } })
  await repository.checkout()
  await repository.git(['config', 'diff.evil.textconv', 'echo converted; :'])
  assert.deepEqual((await runOperation(grep, dir, { pattern: 'converted' })).lines, [])
  assert.match(await repository.git(['grep', '--textconv', 'converted']), /converted/)
})
