import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { branchCreate } from '../../../src/git/operations/branch-create.ts'
import { rebase } from '../../../src/git/operations/rebase.ts'
import { runOperation, scratchDir } from '../../support/operation-run.ts'
import { makeRepository, type Repository } from '../../support/repository.ts'
import { fixedGit, makeTwins, tellsPaths } from '../../support/twins.ts'

const twoCommits = async (repository: Repository) => {
  await repository.commit({ files: { a: '1\n', b: '1\n' } })
  await repository.commit({ files: { a: '2\n' } })
}

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`branches are made, moved and checked out as git does (${objectFormat})`, async (t) => {
    const twins = await makeTwins(t, twoCommits, { objectFormat })
    const [tip, first] = (await twins.ours.git(['rev-parse', 'HEAD', 'HEAD~1'])).split('\n')
    assert.deepEqual(await twins.run(branchCreate, { name: 'deep/é' }), {
      branch: 'deep/é',
      commit: tip,
      previous: null,
    })
    await twins.git('branch', 'deep/é')
    assert.deepEqual(await twins.run(branchCreate, { name: 'deep/é', revision: 'HEAD~1', force: true }), {
      branch: 'deep/é',
      commit: first,
      previous: tip,
    })
    await twins.git('branch', '--force', 'deep/é', 'HEAD~1')
    await twins.expectEqual()
    await twins.both(({ dir }) => writeFile(join(dir, 'b'), 'mine\n'))
    await twins.run(branchCreate, { name: 'out', revision: 'HEAD~1', checkout: true })
    await twins.git('checkout', '-b', 'out', 'HEAD~1')
    await twins.expectEqual()
    await twins.run(branchCreate, { name: 'deep/é', revision: 'main', force: true, checkout: true })
    await twins.git('checkout', '-B', 'deep/é', 'main')
    await twins.expectEqual()
    assert.match(await twins.ours.git(['reflog', 'show', 'out']), /branch: Created from/)
  })
}

test('a branch that exists, or is in the way of the name, is not replaced', async (t) => {
  const twins = await makeTwins(t, async (repository) => {
    await twoCommits(repository)
    await repository.branch('topic')
    await repository.branch('dir/topic')
    await repository.git(['worktree', 'add', '-q', '-b', 'elsewhere', '../elsewhere'])
  })
  for (const name of ['topic', 'main', 'dir', 'topic/sub']) {
    await assert.rejects(twins.run(branchCreate, { name }), (error) => hasCode(error, 'ref_exists'), name)
  }
  for (const name of ['main', 'elsewhere']) {
    const input = { name, revision: 'HEAD~1', force: true }
    await assert.rejects(twins.run(branchCreate, input), (error) => hasCode(error, 'branch_in_use'), name)
  }
  for (const name of ['-f', '--', '', 'HEAD', 'MERGE_HEAD', '@', '@{-1}', ':/x', 'a b', 'a..b', '../x', 'x.lock']) {
    await assert.rejects(twins.run(branchCreate, { name }), (error) => hasCode(error, 'ref_invalid'), name)
  }
  for (const name of ['refs/heads/x', 'a'.repeat(40), 'A'.repeat(64), 'a\0b', 'x'.repeat(2000), 'a*', '.git/x']) {
    await assert.rejects(twins.run(branchCreate, { name }), (error) => hasCode(error, 'ref_invalid'), name)
  }
  await twins.expectEqual()
})

test('where files are in the way of the checkout no branch is made', async (t) => {
  const twins = await makeTwins(t, twoCommits)
  await twins.both(({ dir }) => writeFile(join(dir, 'a'), 'mine\n'))
  await assert.rejects(
    twins.run(branchCreate, { name: 'topic', revision: 'HEAD~1', checkout: true }),
    tellsPaths('worktree_dirty', ['a']),
  )
  await twins.expectEqual()
})

test('a branch that is being rebased is in use', async (t) => {
  const twins = await makeTwins(t, async (repository) => {
    await twoCommits(repository)
    const first = await repository.git(['rev-parse', 'main~1'])
    await repository.commit({ branch: 'topic', parents: [first], files: { a: '3\n' } })
  })
  await twins.run(rebase, { onto: 'topic' })
  await assert.rejects(twins.run(branchCreate, { name: 'main', force: true }), (error) =>
    hasCode(error, 'branch_in_use'),
  )
})

test('the unborn branch of HEAD is in use', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit({ branch: 'other' })
  const input = { name: 'main', revision: 'other' }
  await assert.rejects(runOperation(branchCreate, dir, input, { git: fixedGit(dir) }), (error) =>
    hasCode(error, 'branch_in_use'),
  )
})
