import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { commit } from '../../../src/git/operations/commit.ts'
import { scratchDir } from '../../support/operation-run.ts'
import { hermeticGit, makeRepository } from '../../support/repository.ts'
import { beginMerge, makeTwins, people, runInWorkspace, stateOf } from '../../support/workspace-run.ts'

const { committer } = people

test('amend takes the place of HEAD and keeps author and message unless told otherwise', async (t) => {
  const { ours, theirs, both } = await makeTwins(t)
  await both(async ({ dir, git }) => {
    await writeFile(join(dir, 'x'), '1\n')
    await git(['add', 'x'])
    await git([
      'commit',
      '--quiet',
      '--cleanup=verbatim',
      '--message=# first\n',
      '--author=Zoë <z@x>',
      '--date=@5 +0200',
    ])
    await writeFile(join(dir, 'x'), '2\n3\n')
    await git(['add', 'x'])
  })
  const value = await runInWorkspace(commit, ours.dir, { amend: true, committer })
  await theirs.git(['commit', '--quiet', '--amend', '--no-edit', '--cleanup=verbatim'])
  assert.deepEqual(await stateOf(ours), await stateOf(theirs))
  assert.deepEqual([value.parents, value.totals], [[ours.last], { files: 1, additions: 2, deletions: 0 }])
  await runInWorkspace(commit, ours.dir, { amend: true, message: 'second', ...people })
  const flags = ['--author=Ada Lovelace <ada@example.com>', '--date=@1704067200 +0000']
  await theirs.git(['commit', '--quiet', '--amend', '--message=second', ...flags])
  assert.deepEqual(await stateOf(ours), await stateOf(theirs))
})

test('a merge is amended with both of its parents, and concluded with both', async (t) => {
  const { ours, theirs, both } = await makeTwins(t)
  await both(({ git, merged }) => git(['reset', '--quiet', '--hard', merged]))
  const amended = await runInWorkspace(commit, ours.dir, { amend: true, message: 'x', ...people })
  assert.equal(amended.parents.length, 2)
  await both(async (repository) => {
    await beginMerge(repository, '# Title\n\nTODO: write\nmore\n')
    await writeFile(join(repository.dir, 'README.md'), 'resolved\n')
    await repository.git(['add', 'README.md'])
  })
  const tip = await theirs.git(['rev-parse', 'other'])
  const value = await runInWorkspace(commit, ours.dir, { message: '# merged', ...people })
  assert.deepEqual(value.parents, [amended.commit, tip])
  assert.equal(await ours.git(['rev-parse', '--verify', '--quiet', 'MERGE_HEAD'], { okExitCodes: [1] }), '')
})

test('a merge that changes nothing is concluded all the same', async (t) => {
  const { ours } = await makeTwins(t)
  await ours.git(['checkout', '--quiet', '-b', 'side', ours.first])
  await ours.commit({ branch: 'side', files: { x: '' } })
  await ours.git(['reset', '--quiet', '--hard', 'main'])
  await ours.git(['merge', '--quiet', '--no-commit', '--strategy=ours', 'topic~0', ours.first], { okExitCodes: [0, 1] })
  await ours.commit({ branch: 'fresh', parents: [ours.first] })
  await ours.git(['merge', '--quiet', '--no-commit', '--no-ff', '--strategy=ours', 'fresh'])
  const { parents, totals } = await runInWorkspace(commit, ours.dir, { message: 'x' })
  assert.deepEqual([parents.length, totals.files], [2, 0])
})

test('the first commit has no parents, and a detached HEAD no branch', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await assert.rejects(runInWorkspace(commit, dir, { message: 'x', amend: true }), (error) =>
    hasCode(error, 'nothing_to_commit'),
  )
  await writeFile(join(dir, 'a'), '1\n2\n')
  await repository.git(['add', 'a'])
  const first = await runInWorkspace(commit, dir, { message: 'x' })
  assert.deepEqual([first.parents, first.branch, first.totals.additions], [[], 'main', 2])
  const again = await runInWorkspace(commit, dir, { message: 'y', amend: true })
  assert.deepEqual([again.parents, again.totals.additions], [[], 2])
  await repository.git(['checkout', '--quiet', '--detach'])
  const loose = await runInWorkspace(commit, dir, { message: 'x', allowEmpty: true })
  assert.deepEqual([loose.branch, loose.parents], [null, [again.commit]])
  assert.match(commit.plain(loose), /^\[detached HEAD /)
  assert.equal(await repository.git(['rev-parse', 'main']), again.commit)
})

test('a picked commit keeps its author', async (t) => {
  const { ours } = await makeTwins(t)
  await ours.git(['cherry-pick', '--no-commit', ours.second], { okExitCodes: [0, 1] })
  await ours.git(['reset', '--quiet', '--hard'])
  await ours.commit({
    branch: 'pick',
    parents: [ours.first],
    author: { name: 'P', email: 'p' },
    files: { 'README.md': 'p' },
  })
  await ours.git(['cherry-pick', 'pick'], { okExitCodes: [1] })
  await assert.rejects(runInWorkspace(commit, ours.dir, { message: 'x' }), (error) =>
    hasCode(error, 'conflicts_unresolved'),
  )
  await ours.git(['add', 'README.md'])
  await assert.rejects(runInWorkspace(commit, ours.dir, { amend: true }), (error) =>
    hasCode(error, 'already_in_progress'),
  )
  await runInWorkspace(commit, ours.dir, { message: 'picked' })
  assert.equal(await ours.git(['log', '-1', '--format=%an %cn']), 'P forkyard')
})

test('amending asks for the parents: the last commit of a shallow clone seems to have none', async (t) => {
  const { ours } = await makeTwins(t)
  const needs = (input: object) => commit.needs(commit.input.parse({ message: 'x', ...input })).history
  assert.deepEqual([needs({}), needs({ amend: true })], [1, 2])
  for (const depth of [1, 2]) {
    const dir = join(await scratchDir(t), 'shallow')
    await hermeticGit('/', ['clone', '-q', `--depth=${depth}`, `file://${ours.dir}`, dir])
    const { parents } = await runInWorkspace(commit, dir, { message: 'x', amend: true, allowEmpty: true })
    assert.equal(parents.length, depth - 1)
  }
})
