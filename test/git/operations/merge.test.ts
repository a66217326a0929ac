import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { exactBytes } from '../../../src/git/bytes.ts'
import { merge } from '../../../src/git/operations/merge.ts'
import { makeConflicts } from '../../support/conflicts.ts'
import { makeDiverged } from '../../support/diverged.ts'
import { runOperation } from '../../support/operation-run.ts'
import { fixedGit, makeTwins, type Twins } from '../../support/twins.ts'

const idOf = (twins: Twins, name: string) => twins.plain.git(['rev-parse', name])

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`every kind of conflict is told with its stages, and the tree is git's (${objectFormat})`, async (t) => {
    const twins = await makeTwins(t, makeConflicts, { objectFormat })
    const value = await twins.run(merge, { revision: 'topic' })
    await twins.git('merge', await idOf(twins, 'topic'))
    await twins.expectEqual()
    assert.deepEqual([value.outcome, value.commit], ['conflicts', null])
    const told = value.conflicts.flatMap(({ path, stages }) =>
      (['base', 'ours', 'theirs'] as const).flatMap((side, index) => {
        const stage = stages[side]
        const head = stage === null ? null : Buffer.from(`${stage.mode} ${stage.oid} ${index + 1}\t`)
        return head === null ? [] : [head, exactBytes(path), Buffer.of(0)]
      }),
    )
    const unmerged = await twins.plain.gitBytes(['ls-files', '--unmerged', '-z'])
    assert.ok(Buffer.concat(told).equals(unmerged))
    const marked = new Map(value.conflicts.map(({ path, markers }) => [path, markers]))
    assert.deepEqual(
      [marked.get('content'), marked.get('binary'), marked.get('link'), marked.get('gone')],
      [true, false, false, false],
    )
    assert.deepEqual(await twins.run(merge, { action: 'abort' }), {
      outcome: 'aborted',
      commit: await idOf(twins, 'main'),
      conflicts: [],
      truncated: false,
    })
    await twins.git('merge', '--abort')
    await twins.expectEqual()
  })
}

test('merges without conflicts end as git ends them, whatever fast-forwards are wanted', async (t) => {
  for (const [branch, fastForward, flag, outcome] of [
    ['main', 'allow', '--ff', 'merged'],
    ['main', 'never', '--no-ff', 'merged'],
    ['old', 'allow', '--ff', 'fast-forward'],
    ['old', 'only', '--ff-only', 'fast-forward'],
    ['old', 'never', '--no-ff', 'merged'],
    ['topic', 'only', '--ff-only', 'up-to-date'],
    ['main', 'only', '--ff-only', 'diverged'],
  ] as const) {
    const twins = await makeTwins(t, async (repository) => {
      await makeDiverged(repository)
      await repository.git(['symbolic-ref', 'HEAD', `refs/heads/${branch}`])
    })
    const value = await twins.run(merge, { revision: 'topic', fastForward })
    await twins.git('merge', flag, await idOf(twins, 'topic'))
    await twins.expectEqual()
    assert.deepEqual(value, { outcome, commit: await idOf(twins, 'HEAD'), conflicts: [], truncated: false })
  }
})

test('a merge is concluded with the message that was given, lines with # included', async (t) => {
  const twins = await makeTwins(t, makeDiverged)
  await twins.run(merge, { revision: 'clash', message: '#1\n\n# two\n' })
  await writeFile(join(twins.ours.dir, 'a'), 'both\n')
  await assert.rejects(twins.run(merge, { action: 'continue' }), (error) => hasCode(error, 'conflicts_unresolved'))
  await twins.ours.git(['add', 'a'])
  const { outcome, commit } = await twins.run(merge, { action: 'continue' })
  assert.deepEqual([outcome, commit], ['merged', await twins.ours.git(['rev-parse', 'HEAD'])])
  assert.equal(await twins.ours.git(['log', '-1', '--format=%B']), '#1\n\n# two\n')
  assert.equal(await twins.ours.git(['rev-parse', 'HEAD^2']), await idOf(twins, 'clash'))
  // A merge that a program began notes its conflicts in lines with #.
  await twins.git('-c', 'commit.cleanup=default', 'merge', await idOf(twins, 'clash'))
  await twins.plain.git(['add', 'a'])
  const rest = { git: fixedGit(twins.plain.dir) }
  await runOperation(merge, twins.plain.dir, { action: 'continue' }, rest)
  assert.match(await twins.plain.git(['log', '-1', '--format=%B']), /^Merge commit '[0-9a-f]+'\n$/)
  // And one may be told anew.
  await twins.ours.git(['reset', '-q', '--hard', 'main@{1}'])
  await twins.run(merge, { revision: 'clash' })
  await twins.ours.git(['add', 'a'])
  await twins.run(merge, { action: 'continue', message: '#3' })
  assert.equal(await twins.ours.git(['log', '-1', '--format=%B']), '#3\n')
})

test('a squash stages what a merge would bring, and makes no commit', async (t) => {
  const twins = await makeTwins(t, makeDiverged)
  const topic = await idOf(twins, 'topic')
  assert.deepEqual(await twins.run(merge, { revision: 'topic', squash: true }), {
    outcome: 'squashed',
    commit: null,
    conflicts: [],
    truncated: false,
  })
  await twins.git('merge', '--squash', topic)
  await twins.expectEqual()
  await twins.both(({ git }) => git(['reset', '-q', '--hard']))
  const { outcome, conflicts } = await twins.run(merge, { revision: 'clash', squash: true })
  await twins.git('merge', '--squash', await idOf(twins, 'clash'))
  await twins.expectEqual()
  assert.deepEqual([outcome, conflicts.length], ['conflicts', 1])
  // Nothing of it is under way, and yet nothing new can begin.
  await assert.rejects(twins.run(merge, { action: 'abort' }), (error) => hasCode(error, 'not_in_progress'))
  await assert.rejects(twins.run(merge, { revision: 'topic' }), (error) => hasCode(error, 'conflicts_unresolved'))
})

test('histories that cross, with several bases, merge as git merges them', async (t) => {
  const twins = await makeTwins(t, async (repository) => {
    const text = (top: string, end: string) => `${top}\n${'line\n'.repeat(20)}${end}\n`
    const base = await repository.commit({ files: { a: text('0', '0'), moved: 'moved\n'.repeat(9) } })
    const one = await repository.commit({ files: { a: text('1', '0') } })
    const two = await repository.commit({ branch: 'topic', parents: [base], files: { a: text('0', '2') } })
    const both = { a: text('1', '2') }
    await repository.commit({ parents: [one, two], files: both })
    await repository.commit({ branch: 'topic', parents: [two, one], files: both })
    await repository.commit({ files: { a: text('1!', '2') } })
    await repository.commit({
      branch: 'topic',
      files: { a: text('1', '2!'), elsewhere: 'moved\n'.repeat(9) },
      delete: ['moved'],
    })
  })
  assert.equal((await twins.ours.git(['merge-base', '--all', 'main', 'topic'])).split('\n').length, 2)
  const { outcome } = await twins.run(merge, { revision: 'topic' })
  await twins.git('merge', await idOf(twins, 'topic'))
  await twins.expectEqual()
  assert.equal(outcome, 'merged')
})

test('a merge that splits a directory is a conflict without a path', async (t) => {
  const twins = await makeTwins(t, async (repository) => {
    const file = (name: string) => `${name}\n`.repeat(20)
    const base = await repository.commit({ files: { 'd/a': file('a'), 'd/b': file('b') } })
    await repository.commit({ files: { 'x/a': file('a'), 'y/b': file('b') }, delete: ['d'] })
    await repository.commit({ branch: 'topic', parents: [base], files: { 'd/new': 'new\n' } })
  })
  const value = await twins.run(merge, { revision: 'topic' })
  await twins.git('merge', await idOf(twins, 'topic'))
  await twins.expectEqual()
  assert.deepEqual(value, { outcome: 'conflicts', commit: null, conflicts: [], truncated: false })
  assert.equal((await twins.run(merge, { action: 'continue' })).outcome, 'merged')
})
