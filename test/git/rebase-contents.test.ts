import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode } from '../../src/core/errors.ts'
import { rebase } from '../../src/git/operations/rebase.ts'
import { runOperation, scratchDir } from '../support/operation-run.ts'
import { fetchBlobs } from '../support/partial-clone.ts'
import { cloneWorktree } from '../support/partial-worktree.ts'
import { hermeticGit, makeRepository } from '../support/repository.ts'
import { fixedGit, stateOf } from '../support/twins.ts'

const text = (top: string, end: string) => `${top}\n${'line\n'.repeat(20)}${end}\n`

test('a rebase that breaks off for a content is undone, so that it can be tried again', async (t) => {
  const root = await scratchDir(t)
  const source = await makeRepository(join(root, 'source'))
  const base = await source.commit({ files: { a: text('1', '1'), b: '1\n' } })
  await source.commit({ branch: 'topic', parents: [base], files: { a: text('2', '1') } })
  await source.commit({ files: { b: '2\n' } })
  await source.commit({ files: { a: text('1', '2') } })
  const dir = join(root, 'partial')
  await cloneWorktree(source, dir, { isPartial: true })
  // Enough for the checkout and the first pick only.
  await hermeticGit(dir, ['cat-file', '-e', 'topic:a'])
  const before = await stateOf(dir)
  const run = () => runOperation(rebase, dir, { onto: 'topic' }, { git: fixedGit(dir) })
  await assert.rejects(run(), (error) => hasCode(error, 'objects_missing'))
  assert.deepEqual(await stateOf(dir), before)
  await fetchBlobs(rebase, dir, { onto: 'topic' }, source, fixedGit(dir))
  assert.deepEqual((await run()).applied, 2)
})

test('a rebase that a program began is listed to its end, and never goes on without a commit', async (t) => {
  const root = await scratchDir(t)
  const source = await makeRepository(join(root, 'source'))
  const base = await source.commit({ files: { a: text('1', '1'), b: '1\n' } })
  await source.commit({ branch: 'topic', parents: [base], files: { a: text('2', '1'), b: '2\n' } })
  await source.commit({ files: { b: '3\n' } })
  await source.commit({ files: { a: text('1', '2') } })
  const begin = async (name: string) => {
    const dir = join(root, name)
    await cloneWorktree(source, dir, { isPartial: true })
    await hermeticGit(dir, ['cat-file', 'blob', `${base}:b`])
    await hermeticGit(dir, ['rebase', 'topic'], { okExitCodes: [1] })
    await hermeticGit(dir, ['checkout', '--theirs', 'b'])
    await hermeticGit(dir, ['add', 'b'])
    return { dir, run: () => runOperation(rebase, dir, { action: 'continue' }, { git: fixedGit(dir) }) }
  }
  const bare = await begin('bare')
  await assert.rejects(bare.run(), (error) => hasCode(error, 'git_failed') && /leaves out/.test(error.message))
  const listed = await begin('listed')
  await fetchBlobs(rebase, listed.dir, { action: 'continue' }, source, fixedGit(listed.dir))
  assert.equal((await listed.run()).applied, 2)
})

test('contents of upstream are listed where it may have a pick already, and only there', async (t) => {
  const root = await scratchDir(t)
  const source = await makeRepository(join(root, 'source'))
  const base = await source.commit({ files: { a: '1\n', b: '1\n' } })
  await source.commit({ branch: 'topic', parents: [base], files: { a: '2\n' } })
  await source.commit({ branch: 'topic', files: { b: '2\n' } })
  await source.commit({ branch: 'topic', files: { b: '3\n' } })
  await source.commit({ files: { a: '2\n' } })
  const dir = join(root, 'partial')
  await cloneWorktree(source, dir, { isPartial: true })
  const ids = await fetchBlobs(rebase, dir, { onto: 'topic' }, source, fixedGit(dir))
  const names = ['a', 'b'].map((name) => `topic:${name}`)
  const expected = (await source.git(['rev-parse', ...names, `${base}:a`])).split('\n')
  assert.deepEqual([...ids].toSorted(), expected.toSorted())
  await hermeticGit(dir, ['config', 'remote.origin.url', '/nowhere'])
  const value = await runOperation(rebase, dir, { onto: 'topic' }, { git: fixedGit(dir) })
  assert.deepEqual([value.outcome, value.applied], ['rebased', 0])
})
