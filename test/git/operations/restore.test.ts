import assert from 'node:assert/strict'
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode, type ErrorCode } from '../../../src/core/errors.ts'
import { toExactText, type ExactText } from '../../../src/git/bytes.ts'
import { restore } from '../../../src/git/operations/restore.ts'
import { scratchDir } from '../../support/operation-run.ts'
import { cloneCone, fetchBlobs } from '../../support/partial-clone.ts'
import { makeRepository, type Repository } from '../../support/repository.ts'
import { oddBytes, oddNames } from '../../support/rich-repository.ts'
import { filesOf, makeTwins, runInWorkspace, stateOf, workspaceGit } from '../../support/workspace-run.ts'

const bytes = [...oddNames.map((name) => Buffer.from(name)), oddBytes]
const known = ['README.md', 'tool', 'turns', 'link', 'data.bin', 'crlf.txt', 'big.psd', 'lib/copy.txt', 'lib/new']
const all: ExactText[] = [...known, ...bytes.map(toExactText)]

/** Leaves some paths changed in the index, some in the files, some in both. */
async function makeDirty({ dir, git }: Repository): Promise<void> {
  await writeFile(join(dir, 'README.md'), 'staged\n')
  await writeFile(join(dir, 'lib/new'), 'new\n')
  await rm(join(dir, 'turns'))
  await symlink('x', join(dir, 'turns'))
  await git(['add', '--all'])
  await writeFile(join(dir, 'README.md'), 'and changed\n')
  await chmod(join(dir, 'tool'), 0o644)
  await rm(join(dir, 'link'))
  await writeFile(join(dir, 'data.bin'), 'x')
  await writeFile(join(dir, 'crlf.txt'), 'one\n')
  await rm(join(dir, 'big.psd'))
  await rm(join(dir, 'lib'), { recursive: true })
  for (const name of bytes) await writeFile(Buffer.concat([Buffer.from(`${dir}/`), name]), 'changed')
}

const ways = [
  [{}, []],
  [{ from: 'HEAD' }, ['--source=HEAD']],
  [{ staged: true, worktree: false }, ['--staged']],
  [{ staged: true }, ['--staged', '--worktree']],
  [{ from: 'HEAD~1^2', staged: true }, ['--source=HEAD~1^2', '--staged', '--worktree']],
] as const

for (const [input, flags] of ways) {
  const objectFormat = 'from' in input && 'staged' in input ? 'sha256' : 'sha1'
  test(`restore ${JSON.stringify(input)} leaves what git leaves (${objectFormat})`, async (t) => {
    const { ours, theirs, both } = await makeTwins(t, { objectFormat })
    await both(makeDirty)
    const { truncated } = await runInWorkspace(restore, ours.dir, { paths: all, ...input })
    const names = [...known.map((name) => Buffer.from(name)), ...bytes].flatMap((path) => [path, Buffer.of(0)])
    const from = ['--pathspec-from-file=-', '--pathspec-file-nul']
    await theirs.git(['--literal-pathspecs', 'restore', ...flags, ...from], { input: Buffer.concat(names) })
    assert.deepEqual(await stateOf(ours), await stateOf(theirs))
    assert.equal(truncated, false)
  })
}

test('what was changed is told, once for each path', async (t) => {
  const { ours } = await makeTwins(t)
  await makeDirty(ours)
  const paths = ['README.md', 'tool', 'lib', 'topic.txt', 'turns']
  const few = await runInWorkspace(restore, ours.dir, { paths: ['*', 'tool'], limit: 1 })
  assert.deepEqual([few.restored, few.truncated], [[{ path: '*', staged: false, worktree: true }], true])
  const value = await runInWorkspace(restore, ours.dir, { paths, staged: true })
  assert.deepEqual(value.restored, [
    { path: 'README.md', staged: true, worktree: true },
    { path: 'lib/new', staged: true, worktree: false },
    { path: 'turns', staged: true, worktree: true },
    { path: 'lib/copy.txt', staged: false, worktree: true },
    { path: 'lib/long.txt', staged: false, worktree: true },
    { path: 'lib/same.txt', staged: false, worktree: true },
  ])
  assert.deepEqual((await runInWorkspace(restore, ours.dir, { paths, staged: true })).restored, [])
  assert.equal(
    restore.plain({ restored: [{ path: 'a\nb', staged: true, worktree: true }], truncated: false }),
    'a\\nb\n',
  )
})

test('a link on the way is replaced, not followed', async (t) => {
  const { ours } = await makeTwins(t)
  const outside = await scratchDir(t)
  await writeFile(join(outside, 'copy.txt'), 'theirs\n')
  await rm(join(ours.dir, 'lib'), { recursive: true })
  await symlink(outside, join(ours.dir, 'lib'))
  await runInWorkspace(restore, ours.dir, { paths: ['lib/copy.txt'], from: 'HEAD' })
  assert.deepEqual(await filesOf(outside), { 'copy.txt': '100644 theirs\n' })
  assert.match((await filesOf(ours.dir))['lib/copy.txt'] ?? '', /more/)
})

test('a directory in the way of a file gives way', async (t) => {
  const { ours, theirs, both } = await makeTwins(t)
  await both(async ({ dir }) => {
    await rm(join(dir, 'topic.txt'))
    await mkdir(join(dir, 'topic.txt'))
  })
  await runInWorkspace(restore, ours.dir, { paths: ['topic.txt'] })
  await theirs.git(['restore', 'topic.txt'])
  assert.deepEqual(await stateOf(ours), await stateOf(theirs))
})

test('conflicts are no source, but a commit is', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const base = await repository.commit({ files: { a: '1\n' } })
  await repository.commit({ files: { a: '2\n' } })
  await repository.commit({ branch: 'topic', parents: [base], files: { a: '3\n' } })
  await repository.checkout()
  await repository.git(['merge', 'topic'], { okExitCodes: [1] })
  await assert.rejects(runInWorkspace(restore, dir, { paths: ['a'] }), (error) =>
    hasCode(error, 'conflicts_unresolved'),
  )
  const { restored } = await runInWorkspace(restore, dir, { paths: ['a'], from: 'topic', staged: true })
  assert.deepEqual(restored, [{ path: 'a', staged: true, worktree: true }])
  assert.equal(await repository.git(['diff', 'topic', '--']), '')
})

test('what cannot be restored has a code', async (t) => {
  const { ours } = await makeTwins(t)
  await writeFile(join(ours.dir, 'unknown'), '')
  const refused: readonly (readonly [
    ErrorCode,
    Parameters<typeof runInWorkspace<typeof restore.input, typeof restore.output>>[2],
  ])[] = [
    ['path_not_found', { paths: ['nowhere'] }],
    ['path_not_found', { paths: ['README.md', 'no\nwhere'] }],
    ['path_not_found', { paths: ['unknown'] }],
    ['path_not_found', { paths: ['lib/same.txt/x'], from: 'HEAD' }],
    ['path_not_found', { paths: [':/README.md'] }],
    ['path_invalid', { paths: ['.git/config'] }],
    ['path_invalid', { paths: ['../x'] }],
    ['input_invalid', { paths: [] }],
    ['input_invalid', { paths: ['README.md'], worktree: false }],
    ['ref_invalid', { paths: ['README.md'], from: '-x' }],
  ]
  for (const [code, input] of refused) {
    await assert.rejects(
      runInWorkspace(restore, ours.dir, input),
      (error) => hasCode(error, code),
      JSON.stringify(input),
    )
  }
  await writeFile(join(ours.dir, '.git/index.lock'), '')
  await assert.rejects(runInWorkspace(restore, ours.dir, { paths: ['tool'] }), (error) =>
    hasCode(error, 'workspace_busy'),
  )
})

test('before the first commit there is nothing to take the index from', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await writeFile(join(dir, 'a'), '1\n')
  await repository.git(['add', 'a'])
  await rm(join(dir, 'a'))
  assert.equal((await runInWorkspace(restore, dir, { paths: ['a'] })).restored.length, 1)
  await assert.rejects(runInWorkspace(restore, dir, { paths: ['a'], staged: true }), (error) =>
    hasCode(error, 'repo_empty'),
  )
})

test('the contents it writes, and no others, are asked for', async (t) => {
  const { ours } = await makeTwins(t)
  const dir = join(await scratchDir(t), 'partial')
  await cloneCone(ours, dir, ['src'])
  const input = { paths: ['src', 'crlf.txt'], from: ours.first }
  await assert.rejects(runInWorkspace(restore, dir, input), (error) => hasCode(error, 'objects_missing'))
  const ids = await fetchBlobs(restore, dir, input, ours, workspaceGit(dir))
  await runInWorkspace(restore, dir, input)
  assert.ok(ids.length >= 4)
  assert.match((await filesOf(dir))['src/long.txt'] ?? '', /line 39\n$/)
  assert.deepEqual(await fetchBlobs(restore, dir, { ...input, worktree: false }, ours, workspaceGit(dir)), [])
})
