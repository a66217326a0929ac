import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { merge } from '../../../src/git/operations/merge.ts'
import { rebase } from '../../../src/git/operations/rebase.ts'
import { makeConflicts } from '../../support/conflicts.ts'
import { runOperation, scratchDir } from '../../support/operation-run.ts'
import { makeRepository, type Repository } from '../../support/repository.ts'
import { fixedGit, makeTwins, stateOf, tellsPaths, type Twins } from '../../support/twins.ts'

const zoe = { name: 'Zoë', email: 'zoe@example.com' }
const text = (word: string) => `${word}\n`.repeat(20)

/** `main` and `topic` have parted; of the commits of `topic` the second clashes and the third is in `main` already. */
const diverged = async (repository: Repository) => {
  const base = await repository.commit({ files: { a: '1\n', b: '1\n', c: '1\n', moved: text('moved') } })
  await repository.commit({ files: { a: '2\n', to: text('moved') }, delete: ['moved'] })
  await repository.commit({ files: { c: '2\n' } })
  await repository.branch('topic', base)
  await repository.commit({ branch: 'topic', files: { b: '2\n', d: 'x\n' }, author: zoe, message: 'One\n\n#1\n' })
  await repository.branch('quiet', 'topic')
  await repository.commit({ branch: 'topic', files: { a: '3\n' }, author: zoe, message: 'Two\n\n#2\n' })
  await repository.commit({ branch: 'topic', files: { c: '2\n' } })
  await repository.commit({ branch: 'topic', files: { moved: `${text('moved')}more\n` } })
  await repository.git(['symbolic-ref', 'HEAD', 'refs/heads/topic'])
}

const onQuiet = async (repository: Repository) => {
  await diverged(repository)
  await repository.git(['symbolic-ref', 'HEAD', 'refs/heads/quiet'])
}

const idOf = (twins: Twins, name: string) => twins.plain.git(['rev-parse', name])

async function resolve({ dir, git }: Repository) {
  await writeFile(join(dir, 'a'), 'both\n')
  await git(['add', 'a'])
}

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`commits are put on top of others, stopping and going on as git does (${objectFormat})`, async (t) => {
    const twins = await makeTwins(t, diverged, { objectFormat })
    const second = await idOf(twins, 'topic~2')
    const stopped = await twins.run(rebase, { onto: 'main' })
    await twins.git('rebase', 'main')
    await twins.expectEqual()
    assert.deepEqual([stopped.outcome, stopped.applied, stopped.head.branch], ['conflicts', 1, null])
    assert.deepEqual(stopped.stopped, { commit: second, step: 2, steps: 3 })
    assert.deepEqual(
      stopped.conflicts.map(({ path, markers }) => [path, markers]),
      [['a', true]],
    )
    await assert.rejects(twins.run(rebase, { action: 'continue' }), (error) => hasCode(error, 'conflicts_unresolved'))
    await assert.rejects(twins.run(rebase, { onto: 'main' }), (error) => hasCode(error, 'already_in_progress'))
    await twins.both(resolve)
    const done = await twins.run(rebase, { action: 'continue' })
    await twins.git('rebase', '--continue')
    await twins.expectEqual()
    const head = { branch: 'topic', commit: await idOf(twins, 'topic') }
    assert.deepEqual(done, { outcome: 'rebased', head, applied: 3, conflicts: [], truncated: false, stopped: null })
    const told = await twins.ours.git(['log', '-3', '--format=%an, %cn: %B'])
    assert.match(told, /Zoë, Grace Hopper: Two\n\n#2\n\nZoë, Grace Hopper: One\n\n#1\n/)
    assert.deepEqual((await twins.run(rebase, { onto: 'main' })).outcome, 'up-to-date')
    await twins.expectEqual()
  })

  test(`every kind of conflict of a rebase leaves what git leaves (${objectFormat})`, async (t) => {
    const twins = await makeTwins(t, makeConflicts, { objectFormat })
    const { outcome, conflicts } = await twins.run(rebase, { onto: 'topic' })
    await twins.git('rebase', 'topic')
    await twins.expectEqual()
    assert.deepEqual([outcome, conflicts.length > 10], ['conflicts', true])
    const aborted = await twins.run(rebase, { action: 'abort' })
    await twins.git('rebase', '--abort')
    await twins.expectEqual()
    assert.deepEqual([aborted.outcome, aborted.head.branch, aborted.stopped], ['aborted', 'main', null])
  })
}

test('without conflicts a branch and a detached HEAD are rebased in one go', async (t) => {
  const twins = await makeTwins(t, onQuiet)
  const { outcome, applied, head } = await twins.run(rebase, { onto: 'main' })
  await twins.git('rebase', 'main')
  await twins.expectEqual()
  assert.deepEqual([outcome, applied, head.branch], ['rebased', 1, 'quiet'])
  await twins.both(({ git }) => git(['checkout', '-q', '--detach', 'main~2']))
  const forwarded = await twins.run(rebase, { onto: 'main' })
  await twins.git('rebase', 'main')
  await twins.expectEqual()
  assert.deepEqual([forwarded.outcome, forwarded.applied, forwarded.head.branch], ['rebased', 0, null])
})

test('only commits that upstream lacks are put on top of another commit', async (t) => {
  const twins = await makeTwins(t, diverged)
  const value = await twins.run(rebase, { onto: 'main~1', upstream: 'topic~1' })
  await twins.git('rebase', '--onto', 'main~1', 'topic~1')
  await twins.expectEqual()
  assert.deepEqual([value.outcome, value.applied], ['rebased', 1])
})

test('a commit may be skipped, and what is resolved to nothing is dropped', async (t) => {
  const twins = await makeTwins(t, diverged)
  await twins.run(rebase, { onto: 'main' })
  await twins.git('rebase', 'main')
  assert.deepEqual((await twins.run(rebase, { action: 'skip' })).applied, 2)
  await twins.git('rebase', '--skip')
  await twins.expectEqual()
  await twins.both(({ git }) => git(['reset', '-q', '--hard', 'topic@{1}']))
  await twins.run(rebase, { onto: 'main' })
  await twins.git('rebase', 'main')
  await twins.both(async ({ git }) => {
    await git(['checkout', '--ours', 'a'])
    await git(['add', 'a'])
  })
  assert.deepEqual((await twins.run(rebase, { action: 'continue' })).applied, 2)
  await twins.git('rebase', '--continue')
  await twins.expectEqual()
})

test('merges among the commits are flattened as git does', async (t) => {
  const twins = await makeTwins(t, async (repository) => {
    await onQuiet(repository)
    await repository.commit({
      branch: 'side',
      parents: [await repository.git(['rev-parse', 'quiet~1'])],
      files: { s: 's\n' },
    })
    await repository.merge('side', { branch: 'quiet' })
  })
  assert.equal((await twins.run(rebase, { onto: 'main' })).applied, 2)
  await twins.git('rebase', 'main')
  await twins.expectEqual()
})

test('local changes are named before anything is begun', async (t) => {
  const twins = await makeTwins(t, onQuiet)
  const { dir, git } = twins.ours
  const refused = async (paths: readonly string[]) => {
    const before = await stateOf(dir)
    await assert.rejects(twins.run(rebase, { onto: 'main' }), tellsPaths('worktree_dirty', paths))
    assert.deepEqual(await stateOf(dir), before)
  }
  await writeFile(join(dir, 'c'), 'mine\n')
  await writeFile(join(dir, 'b'), 'mine\n')
  await git(['add', 'b'])
  await refused(['b', 'c'])
  await git(['reset', '-q', '--hard'])
  // In the way of what main has.
  await writeFile(join(dir, 'to'), 'mine\n')
  await writeFile(join(dir, 'aside'), 'mine\n')
  await refused(['to'])
})

test('changes that are not staged only delay what goes on', async (t) => {
  const twins = await makeTwins(t, diverged)
  const { dir, git } = twins.ours
  await twins.run(rebase, { onto: 'main' })
  await resolve(twins.ours)
  await writeFile(join(dir, 'b'), 'mine\n')
  await assert.rejects(twins.run(rebase, { action: 'continue' }), tellsPaths('worktree_dirty', ['b']))
  await git(['checkout', 'b'])
  assert.equal((await twins.run(rebase, { action: 'continue' })).outcome, 'rebased')
})

test('a file in the way of a later pick is named, and the branch is as before', async (t) => {
  const twins = await makeTwins(t, async (repository) => {
    const base = await repository.commit({ files: { a: '1\n' } })
    const side = await repository.commit({ branch: 'side', parents: [base], files: { new: 'x\n' } })
    await repository.commit({ branch: 'side', delete: ['new'] })
    await repository.commit({ branch: 'side', parents: [side], files: { b: '1\n' } })
    await repository.commit({ branch: 'side', files: { c: '1\n' }, delete: ['new'] })
    await repository.commit({ files: { a: '2\n' } })
    await repository.git(['symbolic-ref', 'HEAD', 'refs/heads/side'])
  })
  await twins.both(({ dir }) => writeFile(join(dir, 'new'), 'mine\n'))
  await assert.rejects(twins.run(rebase, { onto: 'main' }), tellsPaths('worktree_dirty', ['new']))
  await twins.expectEqual()
})

test('a stop of a list that a program wrote is told, and gone on from', async (t) => {
  const twins = await makeTwins(t, onQuiet)
  const env = { GIT_SEQUENCE_EDITOR: 'sed -i "1i break"' }
  await twins.ours.git(['rebase', '-q', '-i', 'main'], { env })
  await assert.rejects(twins.run(merge, { revision: 'main' }), (error) => hasCode(error, 'already_in_progress'))
  await twins.ours.git(['rebase', '--abort'])
  await twins.ours.git(['rebase', '-q', '-i', 'main'], { env: { GIT_SEQUENCE_EDITOR: 'sed -i "1a break"' } })
  assert.equal((await twins.run(rebase, { action: 'continue' })).outcome, 'rebased')
  await twins.ours.git(['reset', '-q', '--hard', 'quiet@{1}'])
  await twins.ours.git(['rebase', '-q', '-i', 'main'], {
    env: { GIT_SEQUENCE_EDITOR: 'sed -i -e "1i break" -e "1a break"' },
  })
  const { outcome, stopped } = await twins.run(rebase, { action: 'continue' })
  assert.deepEqual([outcome, stopped?.commit ?? null], ['stopped', null])
})

test('settings of the repository do not change what a rebase is', async (t) => {
  const twins = await makeTwins(t, onQuiet)
  for (const [key, value] of [
    ['rebase.autoSquash', 'true'],
    ['rebase.autoStash', 'true'],
    ['rebase.updateRefs', 'true'],
    ['rebase.stat', 'true'],
    ['rebase.backend', 'apply'],
    ['rebase.missingCommitsCheck', 'error'],
    ['commit.gpgSign', 'true'],
    ['gpg.program', 'false'],
    ['sequence.editor', 'false'],
    ['core.editor', 'false'],
  ] as const) {
    await twins.ours.git(['config', key, value])
  }
  assert.equal((await twins.run(rebase, { onto: 'main' })).outcome, 'rebased')
  await twins.git('rebase', 'main')
  await twins.expectEqual()
})

test('input that means nothing is refused', async (t) => {
  const twins = await makeTwins(t, diverged)
  for (const [input, code] of [
    [{}, 'input_invalid'],
    [{ upstream: 'main' }, 'input_invalid'],
    [{ onto: '--abort' }, 'ref_invalid'],
    [{ onto: 'main', upstream: '-x' }, 'ref_invalid'],
    [{ action: 'continue' }, 'not_in_progress'],
    [{ action: 'skip' }, 'not_in_progress'],
    [{ action: 'abort' }, 'not_in_progress'],
  ] as const) {
    await assert.rejects(twins.run(rebase, input), (error) => hasCode(error, code), JSON.stringify(input))
  }
  await twins.expectEqual()
  const dir = await scratchDir(t)
  await (await makeRepository(dir)).commit({ branch: 'other' })
  await assert.rejects(runOperation(rebase, dir, { onto: 'other' }, { git: fixedGit(dir) }), (error) =>
    hasCode(error, 'ref_not_found'),
  )
})
