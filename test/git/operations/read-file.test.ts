import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { toExactText } from '../../../src/git/bytes.ts'
import { readFile } from '../../../src/git/operations/read-file.ts'
import { makeRepository } from '../../support/repository.ts'
import { makeRichRepository, oddBytes, oddNames } from '../../support/rich-repository.ts'
import { runOperation, scratchDir } from '../../support/operation-run.ts'

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`a file is read whole, with its mode and id (${objectFormat})`, async (t) => {
    const dir = await scratchDir(t)
    const { first, ...repository } = await makeRichRepository(dir, { objectFormat })
    const value = await runOperation(readFile, dir, { path: 'tool' })
    assert.deepEqual(value, {
      path: 'tool',
      kind: 'executable',
      mode: '100755',
      oid: await repository.git(['rev-parse', 'HEAD:tool']),
      size: 8,
      offset: 0,
      length: 8,
      encoding: 'utf8',
      content: 'echo hi\n',
      truncated: false,
      lfs: null,
    })
    for (const name of oddNames.filter((each) => each !== 'a\nb')) {
      assert.equal((await runOperation(readFile, dir, { path: name })).content, `named ${name}\n`)
    }
    assert.equal((await runOperation(readFile, dir, { path: toExactText(oddBytes) })).content, 'odd and changed\n')
    assert.equal((await runOperation(readFile, dir, { path: 'lib/same.txt' })).content, 'moved as it is\n')
    assert.equal(
      (await runOperation(readFile, dir, { path: 'src/same.txt', revision: first })).content,
      'moved as it is\n',
    )
    const module = await runOperation(readFile, dir, { path: 'module' })
    assert.deepEqual([module.kind, module.oid, module.size, module.content], ['submodule', first, null, ''])
  })
}

test('links are answered, never followed', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit({
    files: { link: { symlink: '/etc/passwd' }, up: { symlink: '../../x' }, dir: { symlink: '/etc' } },
  })
  await repository.checkout()
  const of = async (path: string) => {
    const { kind, content } = await runOperation(readFile, dir, { path })
    return [kind, content]
  }
  assert.deepEqual(await of('link'), ['symlink', '/etc/passwd'])
  assert.deepEqual(await of('up'), ['symlink', '../../x'])
  await assert.rejects(of('dir/passwd'), (error) => hasCode(error, 'path_not_found'))
})

test('bytes that are not UTF-8 come as base64, or all bytes where asked', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit({ files: { latin: Buffer.from([0x61, 0xe9]), nul: Buffer.from([0]), empty: '', text: 'é' } })
  const of = async (path: string, input: object = {}) => {
    const { encoding, content } = await runOperation(readFile, dir, { path, ...input })
    return [encoding, content]
  }
  assert.deepEqual(await of('latin'), ['base64', 'Yek='])
  assert.deepEqual(await of('nul'), ['utf8', '\0'])
  assert.deepEqual(await of('empty'), ['utf8', ''])
  assert.deepEqual(await of('text', { encoding: 'base64' }), ['base64', 'w6k='])
})

test('a part is read by offset and bytes, and never cuts a character', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit({ files: { a: 'aé🙂z', big: 'x'.repeat(3_000_000) } })
  const of = async (input: object) => {
    const { content, length, offset, size, truncated } = await runOperation(readFile, dir, { path: 'a', ...input })
    return [content, offset, length, size, truncated]
  }
  assert.deepEqual(await of({ maxBytes: 2 }), ['a', 0, 1, 8, true])
  assert.deepEqual(await of({ offset: 1, maxBytes: 5 }), ['é', 1, 2, 8, true])
  assert.deepEqual(await of({ offset: 3, maxBytes: 5 }), ['🙂z', 3, 5, 8, false])
  assert.deepEqual(await of({ offset: 99 }), ['', 8, 0, 8, false])
  const big = await runOperation(readFile, dir, { path: 'big' })
  assert.deepEqual([big.length, big.size, big.truncated], [1_048_576, 3_000_000, true])
})

test('an LFS pointer is answered as text and named', async (t) => {
  const dir = await scratchDir(t)
  await makeRichRepository(dir)
  const { lfs, content, size } = await runOperation(readFile, dir, { path: 'big.psd' })
  assert.deepEqual(lfs, { oid: 'ab'.repeat(32), size: 12345 })
  assert.equal(Buffer.byteLength(content), size)
})

test('missing paths, directories and lost contents are told apart', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit({ files: { 'a/b': 'lost' } })
  const oid = await repository.git(['rev-parse', 'HEAD:a/b'])
  for (const path of ['nowhere', 'a', 'a/', 'a/b/c', 'x/y', 'HEAD']) {
    await assert.rejects(runOperation(readFile, dir, { path }), (error) => hasCode(error, 'path_not_found'), path)
  }
  for (const path of ['/etc/passwd', '../x', '.git/config', 'a/../../x']) {
    await assert.rejects(runOperation(readFile, dir, { path }), (error) => hasCode(error, 'path_invalid'), path)
  }
  await rm(join(dir, '.git/objects', oid.slice(0, 2), oid.slice(2)))
  await assert.rejects(
    runOperation(readFile, dir, { path: 'a/b' }),
    (error) => hasCode(error, 'objects_missing') && JSON.stringify(error.details) === JSON.stringify({ oids: [oid] }),
  )
})

test('content is raw: no filter, line ending or encoding of the repository applies', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const attributes = '*.txt text eol=crlf ident filter=evil working-tree-encoding=UTF-16\n'
  await repository.commit({ files: { 'a.txt': 'one\n$Id$\n', '.gitattributes': attributes } })
  await repository.git(['config', 'filter.evil.smudge', 'echo smudged; :'])
  assert.equal((await runOperation(readFile, dir, { path: 'a.txt' })).content, 'one\n$Id$\n')
})
