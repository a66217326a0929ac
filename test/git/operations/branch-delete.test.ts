import assert from 'node:assert/strict'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { branchDelete } from '../../../src/git/operations/branch-delete.ts'
import { makeRepository, type Repository } from '../../support/repository.ts'
import { runOperation, scratchDir } from '../../support/operation-run.ts'
import { fixedGit, makeTwins } from '../../support/twins.ts'

const branches = async (repository: Repository) => {
  const first = await repository.commit({ files: { a: '1\n' } })
  await repository.commit({ files: { a: '2\n' } })
  await repository.branch('merged', first)
  const side = await repository.commit({ branch: 'unmerged', parents: [first], files: { a: '3\n' } })
  await repository.commit({ branch: 'tracking', parents: [first], files: { a: '4\n' } })
  await repository.git(['remote', 'add', 'origin', '/nowhere'])
  await repository.git(['update-ref', 'refs/remotes/origin/tracking', 'refs/heads/tracking'])
  await repository.git(['config', 'branch.tracking.remote', 'origin'])
  await repository.git(['config', 'branch.tracking.merge', 'refs/heads/tracking'])
  await repository.git(['worktree', 'add', '-q', '-b', 'elsewhere', '../elsewhere'])
  return side
}

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`branches whose commits are elsewhere are deleted with what was configured (${objectFormat})`, async (t) => {
    const twins = await makeTwins(t, branches, { objectFormat })
    const commit = await twins.ours.git(['rev-parse', 'merged'])
    assert.deepEqual(await twins.run(branchDelete, { name: 'merged' }), { branch: 'merged', commit })
    await twins.git('branch', '--delete', 'merged')
    await twins.run(branchDelete, { name: 'tracking' })
    await twins.git('branch', '--delete', 'tracking')
    await twins.expectEqual()
    assert.equal(
      await twins.ours.git(['config', '--local', '--list']),
      await twins.plain.git(['config', '--local', '--list']),
    )
    await assert.rejects(
      twins.run(branchDelete, { name: 'unmerged' }),
      (error) => hasCode(error, 'branch_unmerged') && typeof error.details['commit'] === 'string',
    )
    await twins.expectEqual()
    await twins.run(branchDelete, { name: 'unmerged', force: true })
    await twins.git('branch', '--delete', '--force', 'unmerged')
    await twins.expectEqual()
  })
}

test('branches in use, of others or of no name stay', async (t) => {
  const twins = await makeTwins(t, branches)
  for (const name of ['main', 'elsewhere']) {
    const input = { name, force: true }
    await assert.rejects(twins.run(branchDelete, input), (error) => hasCode(error, 'branch_in_use'), name)
  }
  for (const name of ['nowhere', 'origin/tracking', 'merge']) {
    await assert.rejects(twins.run(branchDelete, { name }), (error) => hasCode(error, 'ref_not_found'), name)
  }
  for (const name of ['-D', 'HEAD', '@{-1}', 'refs/heads/merged', 'a\nb', '']) {
    await assert.rejects(twins.run(branchDelete, { name }), (error) => hasCode(error, 'ref_invalid'), name)
  }
  await twins.expectEqual()
})

test('while HEAD has no commits only upstream counts', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit({ branch: 'other' })
  const git = fixedGit(dir)
  await assert.rejects(runOperation(branchDelete, dir, { name: 'other' }, { git }), (error) =>
    hasCode(error, 'branch_unmerged'),
  )
  assert.equal((await runOperation(branchDelete, dir, { name: 'other', force: true }, { git })).branch, 'other')
})

test('the whole history decides, so a shallow copy is no ground', () => {
  assert.equal(branchDelete.needs({ name: 'x', force: false }).history, 'full')
  assert.equal(branchDelete.needs({ name: 'x', force: true }).history, 0)
})
