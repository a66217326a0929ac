import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { cherryPick } from '../../../src/git/operations/cherry-pick.ts'
import { merge } from '../../../src/git/operations/merge.ts'
import { makeConflicts } from '../../support/conflicts.ts'
import type { Repository } from '../../support/repository.ts'
import { makeTwins, stateOf, tellsPaths, type Twins } from '../../support/twins.ts'

const zoe = { name: 'Zoë', email: 'zoe@example.com' }

const diverged = async (repository: Repository) => {
  const base = await repository.commit({ files: { a: '1\n', b: '1\n', c: '1\n' } })
  await repository.commit({ files: { a: '2\n' } })
  const message = 'Pick me\n\n#7 is mended\n'
  await repository.commit({ branch: 'topic', parents: [base], files: { b: '2\n', d: 'x\n' }, message, author: zoe })
  await repository.commit({ branch: 'clash', parents: [base], files: { a: '3\n' }, message, author: zoe })
  await repository.commit({ branch: 'same', parents: [base], files: { a: '2\n' } })
  await repository.commit({ branch: 'void', parents: [base], message: '' })
  await repository.commit({ branch: 'root', parents: [], files: { r: 'r\n' }, message: '' })
  await repository.merge('topic', { branch: 'clash' })
}

const idOf = (twins: Twins, name: string) => twins.plain.git(['rev-parse', name])

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`a commit is picked as git picks it, with author and message (${objectFormat})`, async (t) => {
    const twins = await makeTwins(t, diverged, { objectFormat })
    await twins.both(({ dir }) => writeFile(join(dir, 'c'), 'mine\n'))
    const value = await twins.run(cherryPick, { revision: 'topic' })
    await twins.git('cherry-pick', await idOf(twins, 'topic'))
    await twins.expectEqual()
    assert.deepEqual(value, {
      outcome: 'committed',
      commit: await idOf(twins, 'HEAD'),
      conflicts: [],
      truncated: false,
    })
    assert.equal(await idOf(twins, 'HEAD'), await twins.ours.git(['rev-parse', 'HEAD']))
    // A commit without parents, and without a message.
    await twins.run(cherryPick, { revision: 'root' })
    await twins.git('cherry-pick', '--allow-empty-message', await idOf(twins, 'root'))
    await twins.expectEqual()
    // A merge, against its second parent.
    await twins.run(cherryPick, { revision: 'clash', mainline: 2, commit: false })
    await twins.git('cherry-pick', '--mainline=2', '--no-commit', await idOf(twins, 'clash'))
    await twins.expectEqual()
  })

  test(`every kind of conflict of a pick leaves what git leaves (${objectFormat})`, async (t) => {
    const twins = await makeTwins(t, makeConflicts, { objectFormat })
    const { outcome, conflicts } = await twins.run(cherryPick, { revision: 'topic' })
    await twins.git('cherry-pick', await idOf(twins, 'topic'))
    await twins.expectEqual()
    assert.equal(outcome, 'conflicts')
    const unmerged = (await twins.plain.gitBytes(['ls-files', '--unmerged', '-z'])).toString('latin1').split('\0')
    assert.equal(conflicts.length, new Set(unmerged.slice(0, -1).map((line) => line.split('\t', 2)[1])).size)
    assert.equal((await twins.run(cherryPick, { action: 'abort' })).outcome, 'aborted')
    await twins.git('cherry-pick', '--abort')
    await twins.expectEqual()
  })
}

test('a pick is continued with its author and its message, lines with # included', async (t) => {
  const twins = await makeTwins(t, diverged)
  await twins.run(cherryPick, { revision: 'clash~1' })
  await assert.rejects(twins.run(cherryPick, { action: 'continue' }), tellsPaths('conflicts_unresolved', ['a']))
  await writeFile(join(twins.ours.dir, 'a'), 'both\n')
  await twins.ours.git(['add', 'a'])
  const { outcome, commit } = await twins.run(cherryPick, { action: 'continue' })
  assert.deepEqual([outcome, commit], ['committed', await twins.ours.git(['rev-parse', 'HEAD'])])
  const told = await twins.ours.git(['log', '-1', '--format=%an%n%B'])
  assert.equal(told, 'Zoë\nPick me\n\n#7 is mended\n')
})

test('what HEAD has already is empty, and nothing stays under way', async (t) => {
  const twins = await makeTwins(t, diverged)
  await twins.both(({ dir }) => writeFile(join(dir, 'c'), 'mine\n'))
  for (const revision of ['same', 'void', 'HEAD']) {
    assert.deepEqual(
      await twins.run(cherryPick, { revision }),
      { outcome: 'empty', commit: null, conflicts: [], truncated: false },
      revision,
    )
    await twins.expectEqual()
  }
  // So is a conflict that was resolved to what HEAD has.
  await twins.run(cherryPick, { revision: 'clash~1' })
  await twins.ours.git(['checkout', '--ours', 'a'])
  await twins.ours.git(['add', 'a'])
  assert.equal((await twins.run(cherryPick, { action: 'continue' })).outcome, 'empty')
  await twins.run(cherryPick, { revision: 'clash~1' })
  assert.equal((await twins.run(cherryPick, { action: 'skip' })).outcome, 'skipped')
  await twins.expectEqual()
})

test('without a commit the changes are staged, beside what is staged already', async (t) => {
  const twins = await makeTwins(t, diverged)
  await twins.both(async ({ dir, git }) => {
    await writeFile(join(dir, 'c'), 'mine\n')
    await git(['add', 'c'])
  })
  assert.equal((await twins.run(cherryPick, { revision: 'topic', commit: false })).outcome, 'staged')
  await twins.git('cherry-pick', '--no-commit', await idOf(twins, 'topic'))
  await twins.expectEqual()
  assert.equal((await twins.run(cherryPick, { revision: 'clash~1', commit: false })).outcome, 'conflicts')
  await twins.git('cherry-pick', '--no-commit', await idOf(twins, 'clash~1'))
  await twins.expectEqual()
  await assert.rejects(twins.run(cherryPick, { revision: 'topic' }), (error) => hasCode(error, 'conflicts_unresolved'))
})

test('several picks that a program began are carried to their end', async (t) => {
  const twins = await makeTwins(t, diverged)
  const several = ['cherry-pick', 'clash~1', 'same', 'topic']
  await twins.ours.git(several, { okExitCodes: [1] })
  await twins.both(({ dir }) => writeFile(join(dir, 'a'), '3\n'))
  await twins.ours.git(['add', 'a'])
  // The first is concluded, the second clashes with it.
  assert.equal((await twins.run(cherryPick, { action: 'continue' })).outcome, 'conflicts')
  assert.equal((await twins.run(cherryPick, { action: 'skip' })).outcome, 'skipped')
  assert.equal(await twins.ours.git(['log', '-2', '--format=%s']), 'Pick me\nPick me')
})

test('files in the way are named, and nothing is begun', async (t) => {
  const twins = await makeTwins(t, diverged)
  const refused = async (paths: readonly string[]) => {
    const before = await stateOf(twins.ours.dir)
    await assert.rejects(twins.run(cherryPick, { revision: 'topic' }), tellsPaths('worktree_dirty', paths))
    assert.deepEqual(await stateOf(twins.ours.dir), before)
  }
  const { dir, git } = twins.ours
  await writeFile(join(dir, 'b'), 'mine\n')
  await writeFile(join(dir, 'd'), 'mine\n')
  await writeFile(join(dir, 'c'), 'mine\n')
  await refused(['b', 'd'])
  await git(['clean', '-fdq'])
  await git(['checkout', 'b'])
  await git(['add', 'c'])
  await refused(['c'])
})

test('input that means nothing is refused', async (t) => {
  const twins = await makeTwins(t, diverged)
  const cases = [
    [{}, 'input_invalid'],
    [{ revision: 'clash' }, 'input_invalid'],
    [{ revision: 'clash', mainline: 3 }, 'input_invalid'],
    [{ revision: 'root', mainline: 1 }, 'input_invalid'],
    [{ revision: 'clash', mainline: 0 }, 'input_invalid'],
    [{ revision: '--output=x' }, 'ref_invalid'],
    [{ action: 'continue' }, 'not_in_progress'],
    [{ action: 'skip' }, 'not_in_progress'],
    [{ action: 'abort' }, 'not_in_progress'],
  ] as const
  for (const [input, code] of cases) {
    await assert.rejects(twins.run(cherryPick, input), (error) => hasCode(error, code), JSON.stringify(input))
  }
  await twins.expectEqual()
  await twins.run(merge, { revision: 'clash' })
  await assert.rejects(
    twins.run(cherryPick, { action: 'abort' }),
    (error) => hasCode(error, 'not_in_progress') && error.details['kind'] === 'merge',
  )
  await assert.rejects(twins.run(cherryPick, { revision: 'topic' }), (error) => hasCode(error, 'already_in_progress'))
})
