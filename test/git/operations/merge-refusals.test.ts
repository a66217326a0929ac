import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { merge } from '../../../src/git/operations/merge.ts'
import { makeDiverged } from '../../support/diverged.ts'
import { scratchDir, runOperation } from '../../support/operation-run.ts'
import { makeRepository } from '../../support/repository.ts'
import { fixedGit, makeTwins, stateOf, tellsPaths, type Twins } from '../../support/twins.ts'

const idOf = (twins: Twins, name: string) => twins.plain.git(['rev-parse', name])

test('local changes aside stay, those in the way are named', async (t) => {
  const twins = await makeTwins(t, makeDiverged)
  await twins.both(({ dir }) => writeFile(join(dir, 'c'), 'mine\n'))
  await twins.run(merge, { revision: 'topic' })
  await twins.git('merge', await idOf(twins, 'topic'))
  await twins.expectEqual()
  await twins.both(({ git }) => git(['reset', '-q', '--hard', 'HEAD~1']))
  const refused = async (paths: readonly string[], input: { revision: string }) => {
    const before = await stateOf(twins.ours.dir)
    await assert.rejects(twins.run(merge, input), tellsPaths('worktree_dirty', paths))
    assert.deepEqual(await stateOf(twins.ours.dir), before)
  }
  const { dir, git } = twins.ours
  await writeFile(join(dir, 'b'), 'mine\n')
  await writeFile(join(dir, 'd'), 'mine\n')
  await writeFile(join(dir, 'aside'), 'mine\n')
  await refused(['b', 'd'], { revision: 'topic' })
  await git(['reset', '-q', '--hard'])
  await git(['clean', '-fdq'])
  // A real merge does not begin while anything is staged.
  await writeFile(join(dir, 'c'), 'mine\n')
  await git(['add', 'c'])
  await refused(['c'], { revision: 'topic' })
  await git(['reset', '-q', '--hard', 'old'])
  await writeFile(join(dir, 'b'), 'mine\n')
  await refused(['b'], { revision: 'topic' })
})

test('an index that somebody holds is no conflict, and nothing is begun', async (t) => {
  const twins = await makeTwins(t, makeDiverged)
  await twins.both(({ dir }) => writeFile(join(dir, '.git/index.lock'), ''))
  for (const revision of ['topic', 'clash']) {
    await assert.rejects(twins.run(merge, { revision }), (error) => hasCode(error, 'workspace_busy'), revision)
  }
  await twins.expectEqual()
  await rm(join(twins.ours.dir, '.git/index.lock'))
  assert.equal((await twins.run(merge, { revision: 'topic' })).outcome, 'merged')
})

test('what was begun has to be ended first, and what was not cannot be', async (t) => {
  const twins = await makeTwins(t, makeDiverged)
  for (const action of ['continue', 'abort'] as const) {
    await assert.rejects(twins.run(merge, { action }), (error) => hasCode(error, 'not_in_progress'), action)
  }
  await twins.run(merge, { revision: 'clash' })
  await assert.rejects(twins.run(merge, { revision: 'topic' }), (error) => hasCode(error, 'already_in_progress'))
  await twins.run(merge, { action: 'abort' })
  await twins.expectEqual()
})

test('settings of the repository do not change what a merge is', async (t) => {
  const twins = await makeTwins(t, makeDiverged)
  for (const [key, value] of [
    ['branch.main.mergeoptions', '--no-commit --squash'],
    ['merge.ff', 'only'],
    ['merge.verifySignatures', 'true'],
    ['commit.gpgSign', 'true'],
    ['gpg.program', 'false'],
    ['merge.log', 'true'],
    ['merge.autoStash', 'true'],
    ['pull.twohead', 'ours'],
    ['core.editor', 'false'],
    ['core.commentChar', 'x'],
  ] as const) {
    await twins.ours.git(['config', key, value])
  }
  assert.equal((await twins.run(merge, { revision: 'topic' })).outcome, 'merged')
  await twins.git('merge', await idOf(twins, 'topic'))
  await twins.expectEqual()
})

test('input that means nothing is refused', async (t) => {
  const twins = await makeTwins(t, async (repository) => {
    await makeDiverged(repository)
    await repository.commit({ branch: 'alien', parents: [], files: { z: '1\n' } })
  })
  const cases = [
    [{}, 'input_invalid'],
    [{ revision: 'topic', squash: true, fastForward: 'never' }, 'input_invalid'],
    [{ revision: 'topic', message: ' ' }, 'input_invalid'],
    [{ revision: 'topic', message: '# ------------------------ >8 ------------------------' }, 'input_invalid'],
    [{ revision: 'alien' }, 'histories_unrelated'],
    [{ revision: '--abort' }, 'ref_invalid'],
  ] as const
  for (const [input, code] of cases) {
    await assert.rejects(twins.run(merge, input), (error) => hasCode(error, code), JSON.stringify(input))
  }
  await twins.expectEqual()
})

test('a branch without commits begins where the other one is', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const commit = await repository.commit({ branch: 'other', files: { a: '1\n' } })
  const options = { git: fixedGit(dir) }
  await assert.rejects(runOperation(merge, dir, { revision: 'other', squash: true }, options), (error) =>
    hasCode(error, 'input_invalid'),
  )
  await writeFile(join(dir, 'a'), 'mine\n')
  await assert.rejects(runOperation(merge, dir, { revision: 'other' }, options), tellsPaths('worktree_dirty', ['a']))
  await repository.git(['clean', '-fdq'])
  const value = await runOperation(merge, dir, { revision: 'other' }, options)
  assert.deepEqual(value, { outcome: 'fast-forward', commit, conflicts: [], truncated: false })
  assert.equal(await readFile(join(dir, 'a'), 'utf8'), '1\n')
  assert.equal(merge.plain(value), `fast-forward ${commit.slice(0, 10)}\n`)
})
