import assert from 'node:assert/strict'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { exactBytes, plainLine } from '../../../src/git/bytes.ts'
import { listFiles } from '../../../src/git/operations/list-files.ts'
import { makeRepository } from '../../support/repository.ts'
import { makeRichRepository } from '../../support/rich-repository.ts'
import { runOperation, scratchDir } from '../../support/operation-run.ts'

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`all files are listed as git lists them (${objectFormat})`, async (t) => {
    const dir = await scratchDir(t)
    const { last, first, ...repository } = await makeRichRepository(dir, { objectFormat })
    const { entries, truncated } = await runOperation(listFiles, dir, { sizes: true })
    const raw = await repository.gitBytes(['ls-tree', '-r', '-z', '-l', last])
    const told = entries.map(({ mode, kind, oid, size, path }) => {
      const type = kind === 'submodule' ? 'commit' : 'blob'
      const head = Buffer.from(`${mode} ${type} ${oid} ${`${size ?? '-'}`.padStart(7)}\t`)
      return Buffer.concat([head, exactBytes(path), Buffer.of(0)])
    })
    assert.ok(Buffer.concat(told).equals(raw))
    assert.equal(truncated, false)
    const kinds = Object.fromEntries(entries.map(({ path, kind }) => [plainLine(path), kind]))
    assert.deepEqual(
      [kinds['link'], kinds['module'], kinds['tool'], kinds['README.md']],
      ['symlink', 'submodule', 'executable', 'file'],
    )
    assert.equal(entries.find(({ path }) => path === 'module')?.oid, first)
  })
}

test('a directory lists its entries, with or without a slash; a file itself', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit({ files: { 'a/b/c': '1', 'a/d': '2', e: '3', 'a/*': '4' } })
  const of = async (input: object) =>
    (await runOperation(listFiles, dir, input)).entries.map(({ path, kind }) => `${kind} ${plainLine(path)}`)
  assert.deepEqual(await of({ recursive: false }), ['directory a', 'file e'])
  assert.deepEqual(await of({ path: 'a', recursive: false }), ['file a/*', 'directory a/b', 'file a/d'])
  assert.deepEqual(await of({ path: 'a/', recursive: false }), ['file a/*', 'directory a/b', 'file a/d'])
  assert.deepEqual(await of({ path: 'a' }), ['file a/*', 'file a/b/c', 'file a/d'])
  assert.deepEqual(await of({ path: 'a/*' }), ['file a/*'])
  assert.deepEqual(await of({ path: 'e' }), ['file e'])
  await assert.rejects(of({ path: 'nowhere' }), (error) => hasCode(error, 'path_not_found'))
})

test('names that differ only in case or Unicode form are all listed', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const names = ['README', 'readme', '\u00e9', 'e\u0301']
  await repository.commit({ files: names.map((name) => [name, name] as const) })
  const { entries } = await runOperation(listFiles, dir, {})
  assert.deepEqual(entries.map(({ path }) => plainLine(path)).toSorted(), names.toSorted())
})

test('a limit is marked, and people see names escaped', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit({
    files: [
      ['a\n\u001b[2J', ''],
      [Buffer.from([0x7a, 0xff]), ''],
    ],
  })
  const one = await runOperation(listFiles, dir, { limit: 1 })
  assert.deepEqual([one.entries.length, one.truncated], [1, true])
  const all = await runOperation(listFiles, dir, { limit: 2 })
  assert.equal(all.truncated, false)
  assert.equal(listFiles.plain(all), 'a\\n\\x1b[2J\nz\\xff\n')
})
