import assert from 'node:assert/strict'
import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode, type ErrorCode } from '../../../src/core/errors.ts'
import { add } from '../../../src/git/operations/add.ts'
import { scratchDir } from '../../support/operation-run.ts'
import { makeRepository, type Repository } from '../../support/repository.ts'
import { oddBytes, oddNames } from '../../support/rich-repository.ts'
import { makeTwins, runInWorkspace, stateOf } from '../../support/workspace-run.ts'

const odd = [...oddNames, { base64: oddBytes.toString('base64') }]

async function changeEverything({ dir }: Repository): Promise<void> {
  await chmod(join(dir, 'topic.txt'), 0o755)
  await rm(join(dir, 'crlf.txt'))
  await rename(join(dir, 'lib/long.txt'), join(dir, 'lib/moved.txt'))
  await rm(join(dir, 'turns'))
  await symlink('nowhere', join(dir, 'turns'))
  await writeFile(join(dir, 'big.psd'), 'no pointer any more\n')
  await writeFile(join(dir, 'data.bin'), Buffer.from([9, 0, 9]))
  for (const name of [...oddNames.map((one) => Buffer.from(one)), oddBytes]) {
    await writeFile(Buffer.concat([Buffer.from(`${dir}/`), name]), 'changed\r\n')
  }
  await mkdir(join(dir, 'new'))
  await writeFile(join(dir, 'new/-x'), '')
}

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`everything is staged as git stages it (${objectFormat})`, async (t) => {
    const { ours, theirs, both } = await makeTwins(t, { objectFormat })
    await both(changeEverything)
    const value = await runInWorkspace(add, ours.dir, {})
    await theirs.git(['add', '--all'])
    assert.deepEqual(await stateOf(ours), await stateOf(theirs))

    const raw = await theirs.gitBytes(['diff-index', '--cached', '--name-status', '--no-renames', '-z', 'HEAD'])
    const letters = {
      added: 'A',
      deleted: 'D',
      modified: 'M',
      'type-changed': 'T',
      renamed: 'R',
      copied: 'C',
      unmerged: 'U',
    }
    const told = value.staged.map(({ status, path }) => {
      const bytes = typeof path === 'string' ? Buffer.from(path) : Buffer.from(path.base64, 'base64')
      return `${letters[status]}\0${bytes.toString('latin1')}\0`
    })
    assert.equal(told.join(''), raw.toString('latin1'))
    assert.deepEqual([value.ignored, value.truncated], [[], false])
    const few = await runInWorkspace(add, ours.dir, { limit: 2 })
    assert.deepEqual([few.staged, few.truncated], [value.staged.slice(0, 2), true])
  })
}

test('paths are literal, each staged alone', async (t) => {
  const { ours, theirs, both } = await makeTwins(t)
  await both(changeEverything)
  for (const path of odd) {
    const { staged } = await runInWorkspace(add, ours.dir, { paths: [path] })
    assert.deepEqual(
      staged.map((file) => [file.path, file.status]),
      [[path, 'modified']],
    )
  }
  const names = [...oddNames.map((name) => Buffer.from(name)), oddBytes]
  const input = Buffer.concat(names.flatMap((name) => [name, Buffer.of(0)]))
  const flags = ['--literal-pathspecs', 'add', '--pathspec-from-file=-', '--pathspec-file-nul']
  await theirs.git(flags, { input })
  assert.deepEqual(await stateOf(ours), await stateOf(theirs))
})

test('update leaves out new files, a directory is all below it, and a deleted path is a path', async (t) => {
  const { ours, theirs, both } = await makeTwins(t)
  await both(changeEverything)
  await runInWorkspace(add, ours.dir, { paths: ['lib/', 'new', 'crlf.txt'], update: false })
  await theirs.git(['add', 'lib', 'new', 'crlf.txt'])
  assert.deepEqual(await stateOf(ours), await stateOf(theirs))
  await both(({ dir }) => writeFile(join(dir, 'unknown'), ''))
  const { staged } = await runInWorkspace(add, ours.dir, { update: true })
  await theirs.git(['add', '--update'])
  assert.deepEqual(await stateOf(ours), await stateOf(theirs))
  assert.ok(!staged.some(({ path }) => path === 'unknown'))
})

test('ignored paths are left out and named, unless forced', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit({ files: { '.gitignore': '*.log\n/build\n', 'kept.log': 'known\n' } })
  await repository.checkout()
  await mkdir(join(dir, 'build'))
  for (const path of ['build/x', 'a.log', 'kept.log', 'fine']) await writeFile(join(dir, path), 'new\n')
  const paths = ['build/x', 'a.log', 'kept.log', 'fine']
  const value = await runInWorkspace(add, dir, { paths })
  assert.deepEqual(
    [value.ignored, value.staged.map(({ path }) => path)],
    [
      ['build/x', 'a.log'],
      ['fine', 'kept.log'],
    ],
  )
  assert.equal(add.plain(value), 'A\tfine\nM\tkept.log\n!\tbuild/x\n!\ta.log\n')
  assert.deepEqual((await runInWorkspace(add, dir, {})).ignored, [])
  await writeFile(join(dir, '.gitignore'), '*\n')
  for (const path of odd) {
    const bytes = typeof path === 'string' ? Buffer.from(path) : Buffer.from(path.base64, 'base64')
    await writeFile(Buffer.concat([Buffer.from(`${dir}/`), bytes]), '')
  }
  assert.deepEqual((await runInWorkspace(add, dir, { paths: odd })).ignored, odd)
  const forced = await runInWorkspace(add, dir, { paths, force: true })
  assert.deepEqual([forced.ignored, forced.staged.length], [[], 4])
})

test('files outside of a sparse cone are staged where they were written, and others are not taken for deleted', async (t) => {
  const { ours } = await makeTwins(t)
  await ours.git(['sparse-checkout', 'set', '--cone', 'lib'])
  await mkdir(join(ours.dir, 'src'), { recursive: true })
  await writeFile(join(ours.dir, 'src/new'), '')
  const { staged } = await runInWorkspace(add, ours.dir, {})
  assert.deepEqual(
    staged.map(({ path, status }) => [path, status]),
    [['src/new', 'added']],
  )
})

test('before the first commit everything is new; conflicts are resolved by adding', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await writeFile(join(dir, 'a'), '1\n')
  assert.deepEqual(
    (await runInWorkspace(add, dir, {})).staged.map(({ path, status }) => [path, status]),
    [['a', 'added']],
  )
  const base = await repository.commit({ files: { a: '1\n' } })
  await repository.commit({ files: { a: '2\n' } })
  await repository.commit({ branch: 'topic', parents: [base], files: { a: '3\n' } })
  await repository.checkout()
  await repository.git(['merge', 'topic'], { okExitCodes: [1] })
  await writeFile(join(dir, 'b'), '')
  const other = await runInWorkspace(add, dir, { paths: ['b'] })
  assert.deepEqual(other.staged.length, 1)
  await writeFile(join(dir, 'a'), '4\n')
  assert.equal((await runInWorkspace(add, dir, { paths: ['a'] })).staged[0]?.status, 'modified')
  assert.equal(await repository.git(['ls-files', '--unmerged']), '')
})

test('what cannot be staged has a code, and then nothing is staged', async (t) => {
  const { ours } = await makeTwins(t)
  const { dir } = ours
  await symlink('lib', join(dir, 'to-lib'))
  await makeRepository(join(dir, 'nested'))
  await writeFile(join(dir, 'nested/f'), '')
  await writeFile(join(dir, 'fine'), '')
  const before = await ours.git(['ls-files', '--stage'])
  const refused: readonly (readonly [ErrorCode, string])[] = [
    ['path_not_found', 'nowhere'],
    ['path_not_found', 'no\nwhere'],
    ['path_not_found', 'README.md/x'],
    ['path_not_found', '@{-1}'],
    ['path_not_found', ':/README.md'],
    ['path_blocked', 'to-lib/copy.txt'],
    ['path_blocked', 'nested'],
    ['path_invalid', '.git/config'],
    ['path_invalid', '../x'],
    ['path_invalid', `${dir}/fine`],
    ['path_invalid', 'x'.repeat(256)],
  ]
  for (const [code, path] of refused) {
    const attempt = runInWorkspace(add, dir, { paths: ['fine', path] })
    await assert.rejects(attempt, (error) => hasCode(error, code), path)
  }
  assert.equal(await ours.git(['ls-files', '--stage']), before)
})

test('an index that another program holds is workspace_busy', async (t) => {
  const { ours } = await makeTwins(t)
  await writeFile(join(ours.dir, 'x'), '')
  await writeFile(join(ours.dir, '.git/index.lock'), '')
  await assert.rejects(runInWorkspace(add, ours.dir, {}), (error) => hasCode(error, 'workspace_busy'))
  await rm(join(ours.dir, '.git/index.lock'))
  assert.equal((await runInWorkspace(add, ours.dir, {})).staged.length, 1)
})

test('a file in a nested repository belongs to that one', async (t) => {
  const { ours } = await makeTwins(t)
  const nested = await makeRepository(join(ours.dir, 'nested'))
  await nested.commit({ files: { f: '' } })
  const { staged } = await runInWorkspace(add, ours.dir, {})
  assert.deepEqual(
    staged.map(({ path, newMode }) => [path, newMode]),
    [['nested', '160000']],
  )
  await assert.rejects(runInWorkspace(add, ours.dir, { paths: ['nested/f'] }), (error) =>
    hasCode(error, 'path_blocked'),
  )
})
