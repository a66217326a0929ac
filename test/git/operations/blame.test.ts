import assert from 'node:assert/strict'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { exactBytes, toExactText } from '../../../src/git/bytes.ts'
import { blame } from '../../../src/git/operations/blame.ts'
import { makeRepository } from '../../support/repository.ts'
import { makeRichRepository, oddBytes } from '../../support/rich-repository.ts'
import { runOperation, scratchDir } from '../../support/operation-run.ts'

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`each line has the commit, line and path that git blames, through renames (${objectFormat})`, async (t) => {
    const dir = await scratchDir(t)
    const { first, second, ...repository } = await makeRichRepository(dir, { objectFormat })
    const { ranges, truncated } = await runOperation(blame, dir, { path: 'lib/long.txt' })
    const told = ranges.flatMap(({ commit, originalLine, startLine, lines }) =>
      lines.map(
        (line, index) => `${commit} ${originalLine + index} ${startLine + index} ${exactBytes(line).toString()}`,
      ),
    )
    const porcelain = (await repository.git(['blame', '--line-porcelain', 'HEAD', '--', 'lib/long.txt'])).split('\n')
    const heads = porcelain
      .filter((line) => /^[0-9a-f]{40,64} \d+ \d+/.test(line))
      .map((line) => line.split(' ', 3).join(' '))
    const texts = porcelain.filter((line) => line.startsWith('\t')).map((line) => line.slice(1))
    assert.deepEqual(
      told,
      heads.map((head, index) => `${head} ${texts[index]}`),
    )
    assert.equal(truncated, false)

    assert.deepEqual(
      ranges.map(({ commit, originalPath, boundary }) => [commit, originalPath, boundary]),
      [
        [first, 'src/long.txt', true],
        [second, 'lib/long.txt', false],
      ],
    )
    assert.deepEqual(ranges[1]?.author, {
      name: 'Zoë Ünïcode',
      email: 'zoe@example.com',
      date: '2024-03-04T05:06:07+02:00',
    })
    assert.deepEqual([ranges[0]?.summary, ranges[0]?.author.date], ['Begin', '2024-01-01T00:00:00Z'])
  })
}

test('odd names and contents are blamed exactly', async (t) => {
  const dir = await scratchDir(t)
  const { first, second } = await makeRichRepository(dir)
  const odd = toExactText(oddBytes)
  const { ranges, path } = await runOperation(blame, dir, { path: odd })
  assert.deepEqual([path, ranges[0]?.commit, ranges[0]?.originalPath], [odd, second, odd])
  for (const name of ['-rf', '--', '*', ':(top)x', 'quote"d']) {
    assert.deepEqual(
      (await runOperation(blame, dir, { path: name })).ranges.map(({ originalPath }) => originalPath),
      [name],
    )
  }
  const crlf = await runOperation(blame, dir, { path: 'crlf.txt' })
  assert.deepEqual(
    crlf.ranges.map(({ commit, lines }) => [commit, lines]),
    [
      [first, ['one\r']],
      [second, ['two changed\r']],
    ],
  )
  const repository = await makeRepository(`${dir}/latin`)
  await repository.commit({ files: { a: Buffer.from([0xe9, 0x0a, 0x62]) } })
  assert.deepEqual((await runOperation(blame, repository.dir, { path: 'a' })).ranges[0]?.lines, [
    { base64: '6Q==' },
    'b',
  ])
})

test('a range of lines, limits and an empty file', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit({ files: { a: '1\n2\n3\n4\n5\n', empty: '' } })
  const of = async (input: object) => {
    const { ranges, truncated } = await runOperation(blame, dir, { path: 'a', ...input })
    return [ranges.flatMap(({ startLine, lines }) => [startLine, ...lines]), truncated]
  }
  assert.deepEqual(await of({ startLine: 2, endLine: 3 }), [[2, '2', '3'], false])
  assert.deepEqual(await of({ startLine: 4 }), [[4, '4', '5'], false])
  assert.deepEqual(await of({ limit: 2 }), [[1, '1', '2'], true])
  assert.deepEqual(await of({ maxBytes: 4 }), [[1, '1', '2'], true])
  assert.deepEqual(await of({ path: 'empty' }), [[], false])
  await assert.rejects(of({ startLine: 9, endLine: 12 }), (error) => hasCode(error, 'input_invalid'))
  await assert.rejects(of({ startLine: 3, endLine: 2 }), (error) => hasCode(error, 'input_invalid'))
  await assert.rejects(of({ path: 'nowhere' }), (error) => hasCode(error, 'path_not_found'))
})

test('whitespace can be ignored, and text conversion never runs', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const first = await repository.commit({ files: { 'a.txt': 'a\nb\n', '.gitattributes': '*.txt diff=evil\n' } })
  const second = await repository.commit({ files: { 'a.txt': 'a\n  b\n' } })
  await repository.checkout()
  await repository.git(['config', 'diff.evil.textconv', 'echo converted; :'])
  const commits = async (input: object) =>
    (await runOperation(blame, dir, { path: 'a.txt', ...input })).ranges.map(({ commit }) => commit)
  assert.deepEqual(await commits({}), [first, second])
  assert.deepEqual(await commits({ ignoreWhitespace: true }), [first])
  // Unprotected git shows what the repository's program prints.
  assert.match(await repository.git(['blame', '-s', '--textconv', 'HEAD', '--', 'a.txt']), /converted/)
})

test('control characters are escaped for people', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit({ files: { a: 'x\u001b[2Jy\n' }, author: { name: 'E\u202evil', email: 'a@b' } })
  const value = await runOperation(blame, dir, { path: 'a' })
  assert.deepEqual(value.ranges[0]?.lines, ['x\u001b[2Jy'])
  assert.match(blame.plain(value), /\(E\\u202evil 2024-01-01 1\) x\\x1b\[2Jy\n$/)
})
