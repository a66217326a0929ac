import assert from 'node:assert/strict'
import { chmod, mkdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { exactBytes } from '../../../src/git/bytes.ts'
import { status } from '../../../src/git/operations/status.ts'
import { makeRichRepository, oddBytes } from '../../support/rich-repository.ts'
import { makeRepository } from '../../support/repository.ts'
import { runOperation, scratchDir } from '../../support/operation-run.ts'

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`every change of index and files is told as git tells it (${objectFormat})`, async (t) => {
    const dir = await scratchDir(t)
    const repository = await makeRichRepository(dir, { objectFormat })
    await repository.checkout()
    const clean = await runOperation(status, dir, {})
    assert.deepEqual([clean.clean, clean.entries], [true, []])

    await writeFile(join(dir, 'README.md'), 'changed\n')
    await rm(join(dir, 'crlf.txt'))
    await chmod(join(dir, 'topic.txt'), 0o755)
    await rename(join(dir, 'lib/long.txt'), join(dir, 'lib/moved.txt'))
    await repository.git(['add', 'lib'])
    await writeFile(join(dir, 'staged'), 'x\n')
    await repository.git(['add', 'staged'])
    await writeFile(join(dir, 'staged'), 'x and more\n')
    await writeFile(Buffer.concat([Buffer.from(`${dir}/`), oddBytes]), 'changed\n')
    await writeFile(join(dir, 'new\nline'), '')
    await mkdir(join(dir, 'newdir'))
    await symlink('/etc', join(dir, 'newdir/link'))

    const value = await runOperation(status, dir, { untracked: 'all' })
    const raw = await repository.gitBytes(['status', '--porcelain=v1', '-z', '--untracked-files=all'])
    const told = value.entries.map(({ index, worktree, path, oldPath }) =>
      Buffer.concat([
        Buffer.from(`${index}${worktree} `.replaceAll('.', ' ')),
        exactBytes(path),
        Buffer.of(0),
        ...(oldPath === null ? [] : [exactBytes(oldPath), Buffer.of(0)]),
      ]),
    )
    assert.ok(Buffer.concat(told).equals(raw))
    assert.deepEqual([value.clean, value.truncated], [false, false])
    assert.deepEqual(value.totals, { staged: 2, unstaged: 5, unmerged: 0, untracked: 2, ignored: 0 })
    const moved = value.entries.find(({ path }) => path === 'lib/moved.txt')
    assert.deepEqual([moved?.kind, moved?.oldPath, moved?.score], ['renamed', 'lib/long.txt', 100])
    const few = await runOperation(status, dir, { limit: 1, untracked: 'all' })
    assert.deepEqual([few.entries.length, few.truncated, few.totals], [1, true, value.totals])
  })
}

test('conflicts are told with the modes and our side', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const base = await repository.commit({ files: { a: '1\n' } })
  await repository.commit({ files: { a: '2\n' } })
  await repository.commit({ branch: 'topic', parents: [base], files: { a: '3\n' } })
  await repository.checkout()
  await repository.git(['merge', 'topic'], { okExitCodes: [1] })
  const { entries, totals } = await runOperation(status, dir, {})
  const [entry] = entries
  assert.deepEqual([entry?.kind, entry?.index, entry?.worktree, totals.unmerged], ['unmerged', 'U', 'U', 1])
  assert.deepEqual(
    [entry?.headMode, entry?.worktreeMode, entry?.headOid],
    ['100644', '100644', await repository.git(['rev-parse', 'main:a'])],
  )
})

test('ignored files are listed on demand and leave the state clean', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit({ files: { '.gitignore': '*.log\n', a: '' } })
  await repository.checkout()
  await writeFile(join(dir, 'x.log'), '')
  assert.deepEqual((await runOperation(status, dir, {})).entries, [])
  const { clean, entries } = await runOperation(status, dir, { ignored: true })
  assert.deepEqual([clean, entries.map(({ path, kind }) => [path, kind])], [true, [['x.log', 'ignored']]])
  assert.equal(
    status.plain({
      clean,
      entries,
      totals: { staged: 0, unstaged: 0, unmerged: 0, untracked: 0, ignored: 1 },
      truncated: false,
    }),
    '!! x.log\n',
  )
})

test('paths are literal', async (t) => {
  const dir = await scratchDir(t)
  await makeRepository(dir)
  await writeFile(join(dir, '*'), '')
  await writeFile(join(dir, 'b'), '')
  const { entries } = await runOperation(status, dir, { paths: ['*'] })
  assert.deepEqual(
    entries.map(({ path }) => path),
    ['*'],
  )
})

test('the index is never written', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit({ files: { a: '1\n' } })
  await repository.checkout()
  await utimes(join(dir, 'a'), 1, 1)
  const before = await readFile(join(dir, '.git/index'))
  assert.equal((await runOperation(status, dir, {})).clean, true)
  assert.ok(before.equals(await readFile(join(dir, '.git/index'))))
  // Unprotected git refreshes it.
  await repository.git(['status'])
  assert.ok(!before.equals(await readFile(join(dir, '.git/index'))))
})

test('files that line endings keep dirty are reported as they are', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit({ files: { '.gitattributes': '*.txt text eol=crlf\n', 'a.txt': 'one\r\ntwo\n' } })
  await repository.checkout()
  await writeFile(join(dir, 'a.txt'), 'one\ntwo\n')
  assert.deepEqual(
    (await runOperation(status, dir, {})).entries.map(({ path, worktree }) => [path, worktree]),
    [['a.txt', 'M']],
  )
})
