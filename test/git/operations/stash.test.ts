import assert from 'node:assert/strict'
import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode, type ErrorCode } from '../../../src/core/errors.ts'
import { stash } from '../../../src/git/operations/stash.ts'
import { scratchDir } from '../../support/operation-run.ts'
import { cloneCone, fetchBlobs } from '../../support/partial-clone.ts'
import { makeRepository, type Repository } from '../../support/repository.ts'
import { oddBytes, oddNames } from '../../support/rich-repository.ts'
import { makeTwins, runInWorkspace, stateOf, workspaceGit } from '../../support/workspace-run.ts'

type Input = Parameters<typeof runInWorkspace<typeof stash.input, typeof stash.output>>[2]
const run = (repository: Repository, input: Input) => runInWorkspace(stash, repository.dir, input)

async function makeDirty({ dir, git }: Repository): Promise<void> {
  await chmod(join(dir, 'topic.txt'), 0o755)
  await rm(join(dir, 'crlf.txt'))
  await rename(join(dir, 'lib/long.txt'), join(dir, 'lib/moved.txt'))
  await rm(join(dir, 'turns'))
  await symlink('nowhere', join(dir, 'turns'))
  await writeFile(join(dir, 'README.md'), 'staged\n')
  await git(['add', '--all'])
  await writeFile(join(dir, 'README.md'), 'and changed\n')
  for (const name of [...oddNames.map((one) => Buffer.from(one)), oddBytes]) {
    await writeFile(Buffer.concat([Buffer.from(`${dir}/`), name]), 'changed')
  }
  await mkdir(join(dir, 'new'))
  await writeFile(join(dir, 'new/-x'), 'unknown\n')
}

const trees = async ({ git }: Repository, parents: readonly string[]) =>
  Promise.all(parents.map((parent) => git(['rev-parse', `refs/stash${parent}^{tree}`])))

for (const includeUntracked of [false, true]) {
  const objectFormat = includeUntracked ? 'sha256' : 'sha1'
  test(`changes go and come back as with git (${objectFormat}${includeUntracked ? ', untracked too' : ''})`, async (t) => {
    const { ours, theirs, both } = await makeTwins(t, { objectFormat })
    await both(makeDirty)
    const pushed = await run(ours, { action: 'push', includeUntracked, message: '# my "é" work' })
    const flag = includeUntracked ? ['--include-untracked'] : []
    await theirs.git(['stash', 'push', '--quiet', ...flag, '--message=# my "é" work'])
    assert.deepEqual(await stateOf(ours), await stateOf(theirs))
    const parts = ['', '^1', '^2', ...(includeUntracked ? ['^3'] : [])]
    assert.deepEqual(await trees(ours, parts), await trees(theirs, parts))
    assert.deepEqual(pushed.stashes, [pushed.stash])
    assert.deepEqual(
      [pushed.stash?.index, pushed.stash?.message, pushed.stash?.commit],
      [0, 'On main: # my "é" work', await ours.git(['rev-parse', 'refs/stash'])],
    )
    assert.equal(await ours.git(['log', '-1', '--format=%an <%ae>', 'refs/stash']), 'forkyard <forkyard@localhost>')

    const popped = await run(ours, { action: 'pop' })
    await theirs.git(['stash', 'pop', '--quiet'])
    assert.deepEqual(await stateOf(ours), await stateOf(theirs))
    assert.deepEqual([popped.stash, popped.stashes, popped.conflicts], [pushed.stash, [], []])
  })
}

test('stashes are listed, chosen by number and dropped', async (t) => {
  const { ours } = await makeTwins(t)
  for (const content of ['one', 'two', 'three']) {
    await writeFile(join(ours.dir, 'README.md'), content)
    await run(ours, { action: 'push', message: content })
  }
  const listed = await run(ours, { action: 'list' })
  assert.deepEqual(
    listed.stashes.map(({ index, message }) => [index, message]),
    [
      [0, 'On main: three'],
      [1, 'On main: two'],
      [2, 'On main: one'],
    ],
  )
  const few = await run(ours, { action: 'list', limit: 2 })
  assert.deepEqual([few.stashes, few.truncated, few.stash], [listed.stashes.slice(0, 2), true, null])
  const dropped = await run(ours, { action: 'drop', index: 1 })
  assert.deepEqual([dropped.stash?.message, dropped.stashes.length], ['On main: two', 2])
  const applied = await run(ours, { action: 'apply', index: 1 })
  assert.deepEqual([applied.stash?.message, applied.stashes.length], ['On main: one', 2])
  assert.equal(await ours.git(['diff', '--stat', `stash@{1}`]), '')
  assert.equal(stash.plain(few), 'stash@{0}: On main: three\nstash@{1}: On main: two\n')
})

test('nothing to put aside is an answer', async (t) => {
  const { ours } = await makeTwins(t)
  await writeFile(join(ours.dir, 'unknown'), '')
  const value = await run(ours, { action: 'push' })
  assert.deepEqual([value.stash, value.stashes, stash.plain(value)], [null, [], 'nothing to put aside\n'])
  assert.equal((await run(ours, { action: 'push', includeUntracked: true })).stashes.length, 1)
  assert.deepEqual((await run(ours, { action: 'push' })).stash, null)
})

test('conflicts are values and keep the stash', async (t) => {
  const { ours, theirs, both } = await makeTwins(t)
  await both(async ({ dir, git }) => {
    await writeFile(join(dir, 'topic.txt'), 'stashed\n')
    await writeFile(join(dir, 'unknown'), 'x')
    await git(['-c', 'user.name=x', 'stash', 'push', '--include-untracked', '--quiet'])
    await writeFile(join(dir, 'topic.txt'), 'committed\n')
    await git(['commit', '--quiet', '--all', '--message=x'])
  })
  const value = await run(ours, { action: 'pop' })
  await theirs.git(['stash', 'pop', '--quiet'], { okExitCodes: [1] })
  assert.deepEqual(await stateOf(ours), await stateOf(theirs))
  assert.deepEqual(
    value.conflicts.map(({ path, markers }) => [path, markers]),
    [['topic.txt', true]],
  )
  assert.deepEqual([value.stashes.length, stash.plain(value)], [1, 'conflict in topic.txt\n'])
  for (const action of ['pop', 'apply', 'push'] as const) {
    await assert.rejects(run(ours, { action }), (error) => hasCode(error, 'conflicts_unresolved'))
  }
})

test('changes that would be lost are named, and nothing is brought back', async (t) => {
  const { ours } = await makeTwins(t)
  await writeFile(join(ours.dir, 'topic.txt'), 'stashed\n')
  await writeFile(join(ours.dir, 'unknown'), 'stashed\n')
  await run(ours, { action: 'push', includeUntracked: true })
  for (const path of ['topic.txt', 'unknown']) {
    await writeFile(join(ours.dir, path), 'precious\n')
    const before = await stateOf(ours)
    await assert.rejects(
      run(ours, { action: 'pop' }),
      (error) => hasCode(error, 'worktree_dirty') && JSON.stringify(error.details['paths']) === JSON.stringify([path]),
    )
    assert.deepEqual(await stateOf(ours), before)
    await ours.git(['reset', '--quiet', '--hard'])
    await rm(join(ours.dir, 'unknown'), { force: true })
  }
  // Other changes are in nobody's way.
  await writeFile(join(ours.dir, 'tool'), 'changed\n')
  assert.deepEqual((await run(ours, { action: 'pop' })).stashes, [])
})

test('what git finds in the way only later is worktree_dirty as well', async (t) => {
  const { ours } = await makeTwins(t)
  await writeFile(join(ours.dir, 'x.log'), 'stashed\n')
  await run(ours, { action: 'push', includeUntracked: true })
  await mkdir(join(ours.dir, '.git/info'))
  await writeFile(join(ours.dir, '.git/info/exclude'), '*.log\n')
  await writeFile(join(ours.dir, 'x.log'), 'precious\n')
  await assert.rejects(run(ours, { action: 'pop' }), (error) => hasCode(error, 'worktree_dirty'))
  assert.equal((await run(ours, { action: 'list' })).stashes.length, 1)
})

test('what cannot be done has a code', async (t) => {
  const { ours } = await makeTwins(t)
  const refuse = async (code: ErrorCode, input: Input) => {
    await assert.rejects(run(ours, input), (error) => hasCode(error, code), JSON.stringify(input))
  }
  for (const action of ['pop', 'apply', 'drop'] as const) {
    await refuse('ref_not_found', { action })
    await refuse('ref_not_found', { action, index: 1_000_000 })
    await refuse('input_invalid', { action, message: 'x' })
    await refuse('input_invalid', { action, includeUntracked: true })
  }
  for (const message of ['', 'a\nb', 'a\0', '\ud800', 'x'.repeat(1001)])
    await refuse('input_invalid', { action: 'push', message })
  await refuse('input_invalid', { action: 'pop', index: -1 })
  await writeFile(join(ours.dir, 'README.md'), 'x')
  await writeFile(join(ours.dir, '.git/index.lock'), '')
  await refuse('workspace_busy', { action: 'push' })
  await rm(join(ours.dir, '.git/index.lock'))
  await run(ours, { action: 'push' })
  await refuse('ref_not_found', { action: 'pop', index: 1 })
  await writeFile(join(ours.dir, '.git/index.lock'), '')
  await refuse('workspace_busy', { action: 'pop' })
  await writeFile(join(ours.dir, '.git/refs/stash.lock'), '')
  await refuse('workspace_busy', { action: 'drop' })
})

test('before the first commit nothing can be put aside', async (t) => {
  const repository = await makeRepository(await scratchDir(t))
  await writeFile(join(repository.dir, 'a'), '')
  await repository.git(['add', 'a'])
  await assert.rejects(run(repository, { action: 'push' }), (error) => hasCode(error, 'repo_empty'))
  assert.deepEqual((await run(repository, { action: 'list' })).stashes, [])
})

test('whatever a program has put in the place of a stash does no harm', async (t) => {
  const { ours } = await makeTwins(t)
  const orphan = await ours.commit({ branch: 'orphan', parents: [], files: { x: 'x' } })
  await ours.git(['update-ref', '--create-reflog', '-m', 'odd \u202e', 'refs/stash', orphan])
  assert.equal((await run(ours, { action: 'list' })).stashes[0]?.commit, orphan)
  for (const action of ['pop', 'apply', 'drop'] as const) {
    await assert.rejects(run(ours, { action }), (error) => hasCode(error, 'git_failed'))
  }
})

test('the contents that pushing puts aside and back are asked for', async (t) => {
  const { ours } = await makeTwins(t)
  const partial = await cloneCone(ours, join(await scratchDir(t), 'partial'), ['src'])
  await partial.git(['restore', '--staged', `--source=${ours.first}`, '--', '.'])
  const input = { action: 'push' } as const
  await assert.rejects(run(partial, input), (error) => hasCode(error, 'objects_missing'))
  const ids = await fetchBlobs(stash, partial.dir, input, ours, workspaceGit(partial.dir))
  assert.ok(ids.length > 3)
  assert.equal((await run(partial, input)).stashes.length, 1)
  assert.deepEqual(await fetchBlobs(stash, partial.dir, { action: 'pop' }, ours, workspaceGit(partial.dir)), [])
})
