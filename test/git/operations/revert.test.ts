import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { cherryPick } from '../../../src/git/operations/cherry-pick.ts'
import { revert } from '../../../src/git/operations/revert.ts'
import { makeConflicts } from '../../support/conflicts.ts'
import { makeTwins, type Twins } from '../../support/twins.ts'
import { makeRichRepository } from '../../support/rich-repository.ts'
import { scratchDir } from '../../support/operation-run.ts'

const idOf = (twins: Twins, name: string) => twins.plain.git(['rev-parse', name])

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`commits are undone as git undoes them (${objectFormat})`, async (t) => {
    const dir = await scratchDir(t)
    const { merged, second } = await makeRichRepository(dir, { objectFormat })
    const twins = await makeTwins(
      t,
      ({ git }) => git(['fetch', '-q', dir, 'refs/heads/*:refs/heads/*', '--update-head-ok']),
      { objectFormat },
    )
    const value = await twins.run(revert, { revision: 'HEAD~1', mainline: 1 })
    await twins.git('revert', '--no-edit', '--mainline=1', merged)
    await twins.expectEqual()
    assert.deepEqual(value, {
      outcome: 'committed',
      commit: await idOf(twins, 'HEAD'),
      conflicts: [],
      truncated: false,
    })
    await twins.run(revert, { revision: second, commit: false })
    await twins.git('revert', '--no-edit', '--no-commit', second)
    await twins.expectEqual()
    await twins.both(({ git }) => git(['reset', '-q', '--hard']))
    assert.equal((await twins.run(revert, { revision: 'main~1' })).outcome, 'empty')
    await twins.expectEqual()
  })

  test(`every kind of conflict of a revert leaves what git leaves (${objectFormat})`, async (t) => {
    const twins = await makeTwins(t, makeConflicts, { objectFormat })
    const { outcome } = await twins.run(revert, { revision: 'topic' })
    await twins.git('revert', '--no-edit', await idOf(twins, 'topic'))
    await twins.expectEqual()
    assert.equal(outcome, 'conflicts')
    assert.equal((await twins.run(revert, { action: 'abort' })).outcome, 'aborted')
    await twins.git('revert', '--abort')
    await twins.expectEqual()
  })
}

test('a revert is continued once its conflicts are resolved', async (t) => {
  const twins = await makeTwins(t, async (repository) => {
    for (const a of ['1\n', '2\n', '3\n']) await repository.commit({ files: { a } })
  })
  const { conflicts } = await twins.run(revert, { revision: 'HEAD~1' })
  assert.deepEqual(
    conflicts.map(({ path }) => path),
    ['a'],
  )
  await assert.rejects(twins.run(revert, { action: 'continue' }), (error) => hasCode(error, 'conflicts_unresolved'))
  await assert.rejects(twins.run(cherryPick, { action: 'continue' }), (error) => hasCode(error, 'not_in_progress'))
  await writeFile(join(twins.ours.dir, 'a'), '4\n')
  await twins.ours.git(['add', 'a'])
  assert.equal((await twins.run(revert, { action: 'continue' })).outcome, 'committed')
  const reverted = await idOf(twins, 'main~1')
  assert.equal(
    await twins.ours.git(['log', '-1', '--format=%B']),
    `Revert "Commit 2"\n\nThis reverts commit ${reverted}.\n`,
  )
  await twins.run(revert, { revision: 'HEAD~2' })
  assert.equal((await twins.run(revert, { action: 'skip' })).outcome, 'skipped')
})

test('a first commit is undone to nothing', async (t) => {
  const twins = await makeTwins(t, ({ commit }) => commit({ files: { a: '1\n', 'b/c': '1\n' } }))
  assert.equal((await twins.run(revert, { revision: 'HEAD' })).outcome, 'committed')
  await twins.git('revert', '--no-edit', 'HEAD')
  await twins.expectEqual()
})
