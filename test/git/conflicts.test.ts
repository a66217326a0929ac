import assert from 'node:assert/strict'
import test from 'node:test'
import { hasCode } from '../../src/core/errors.ts'
import { exactBytes } from '../../src/git/bytes.ts'
import { maxConflicts, readConflicts, refuseConflicts } from '../../src/git/conflicts.ts'
import { applyPatch } from '../../src/git/operations/apply-patch.ts'
import { merge } from '../../src/git/operations/merge.ts'
import { rebase } from '../../src/git/operations/rebase.ts'
import { gitAt, scratchDir } from '../support/operation-run.ts'
import { makeRepository, type Repository } from '../support/repository.ts'
import { runInWorkspace } from '../support/workspace-run.ts'

const { signal } = new AbortController()
const count = maxConflicts + 100
const names = Array.from({ length: count }, (_, index) => `f${String(index).padStart(4, '0')}`)

async function makeClash(dir: string): Promise<Repository> {
  const repository = await makeRepository(dir)
  const all = (content: string) => names.map((name) => [name, content] as const)
  const base = await repository.commit({ files: all('base\n') })
  await repository.commit({ files: all('ours\n') })
  await repository.commit({ branch: 'topic', parents: [base], files: all('theirs\n') })
  await repository.checkout()
  return repository
}

/** Makes unmerged entries of an index, of our side only. */
async function addUnmerged({ git }: Repository, paths: readonly string[]): Promise<void> {
  const blob = await git(['hash-object', '-w', '--stdin'], { input: 'x\n' })
  await git(['update-index', '-z', '--index-info'], {
    input: paths.map((path) => `100644 ${blob} 2\t${path}\0`).join(''),
  })
}

test('a merge with more conflicts than are listed says so, and so does a rebase', async (t) => {
  const { dir, git } = await makeClash(await scratchDir(t))
  for (const run of [
    () => runInWorkspace(merge, dir, { revision: 'topic' }),
    () => runInWorkspace(rebase, dir, { onto: 'topic' }),
  ]) {
    const { outcome, conflicts, truncated } = await run()
    assert.deepEqual([outcome, truncated], ['conflicts', true])
    assert.deepEqual(
      conflicts.map(({ path }) => path),
      names.slice(0, maxConflicts),
    )
    assert(conflicts.every(({ markers, stages }) => markers && stages.base && stages.ours && stages.theirs))
    await assert.rejects(runInWorkspace(merge, dir, { revision: 'topic' }), (error) =>
      hasCode(error, 'already_in_progress'),
    )
    await git(['reset', '--quiet', '--hard'])
    await git(['rebase', '--abort'], { okExitCodes: [0, 128] })
  }
})

test('of very many conflicts the first are told, and git is not heard to the end', async (t) => {
  const repository = await makeRepository(await scratchDir(t))
  await repository.commit({ files: { a: 'a\n' } })
  await repository.checkout()
  await addUnmerged(
    repository,
    Array.from({ length: 300_000 }, (_, index) => `dir/${index}`),
  )
  const git = gitAt(repository.dir)
  const { conflicts, truncated } = await readConflicts(git, { signal })
  assert.deepEqual([conflicts.length, truncated], [maxConflicts, true])
  await assert.rejects(refuseConflicts(git, 'go on', { signal }), (error) => {
    assert(hasCode(error, 'conflicts_unresolved'))
    assert.equal((error.details['paths'] as []).length, 100)
    return true
  })
})

test('names that no file can have are told, be they as long as they will', async (t) => {
  const repository = await makeRepository(await scratchDir(t))
  await repository.commit({ files: { a: 'a\n' } })
  await repository.checkout()
  const git = gitAt(repository.dir)
  await addUnmerged(repository, ['b', 'x'.repeat(200_000)])
  const few = await readConflicts(git, { signal })
  assert.deepEqual(
    few.conflicts.map(({ path, markers }) => [exactBytes(path).length, markers]),
    [
      [1, false],
      [200_000, false],
    ],
  )
  await addUnmerged(
    repository,
    Array.from({ length: 50 }, (_, index) => `${index}${'y'.repeat(200_000)}`),
  )
  const { conflicts, truncated } = await readConflicts(git, { signal })
  assert.deepEqual([conflicts.length < 50, truncated], [true, true])
})

test('the conflicts of a patch are told behind any number of older ones', async (t) => {
  const repository = await makeRepository(await scratchDir(t))
  const { git, dir } = repository
  await repository.commit({ files: { z: 'base\n' } })
  await repository.commit({ branch: 'topic', files: { z: 'theirs\n' } })
  await repository.commit({ files: { z: 'ours\n' } })
  await repository.checkout()
  await addUnmerged(repository, names)
  const patch = `${await git(['diff', '--full-index', 'main~1', 'topic'])}\n`
  const { conflicts, truncated } = await runInWorkspace(applyPatch, dir, { patch, threeWay: true })
  assert.deepEqual([conflicts.map(({ path }) => path), truncated], [['z'], false])
})
