import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { after, before } from 'node:test'
import { AppError, hasCode } from '../../src/core/errors.ts'
import { changedBlobs } from '../../src/git/blobs.ts'
import { stagedBlobs } from '../../src/git/index-changes.ts'
import { maxKept } from '../../src/git/keeping.ts'
import { allContents } from '../../src/git/merge-contents.ts'
import { checkout } from '../../src/git/operations/checkout.ts'
import { listFiles } from '../../src/git/operations/list-files.ts'
import { rebase } from '../../src/git/operations/rebase.ts'
import { stash } from '../../src/git/operations/stash.ts'
import { gitAt, scratchDir } from '../support/operation-run.ts'
import { makeRepository, type Repository } from '../support/repository.ts'
import { runInWorkspace } from '../support/workspace-run.ts'

const { signal } = new AbortController()
/** Every directory has as many entries as there are directories. */
const breadth = 512
let repository: Repository
let base: string
/** A commit after `base` with a quarter of a million files, in two trees. */
let bomb: string
/** One with few files of very long names. */
let long: string
const cleanUps: (() => Promise<void>)[] = []

before(async () => {
  assert(breadth * breadth > maxKept)
  repository = await makeRepository(await scratchDir({ after: (fn) => void cleanUps.push(fn as () => Promise<void>) }))
  const { git, commit } = repository
  base = await commit({ files: { d0: 'a file\n' } })
  const blob = await git(['rev-parse', 'HEAD:d0'])
  const makeTree = (names: readonly string[], entry: string) =>
    git(['mktree'], { input: names.map((name) => `${entry}\t${name}\n`).join('') })
  const makeCommit = async (tree: string) => git(['commit-tree', '-p', base, '-m', 'Bomb', tree])
  const names = Array.from({ length: breadth }, (_, index) => `d${index}`)
  const files = await makeTree(names, `100644 blob ${blob}`)
  bomb = await makeCommit(await makeTree(names, `040000 tree ${files}`))
  long = await makeCommit(await makeTree(['x'.repeat(200_000)], `040000 tree ${files}`))
  await git(['checkout', '--quiet', 'main'])
})

after(async () => {
  for (const cleanUp of cleanUps) await cleanUp()
})

/** A failure that says how much was too much. */
function tooMuch(words: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof AppError && error.code === 'output_limit' && words.test(error.message)
}

test('whatever lists what a bomb of two trees holds ends with a limit', async () => {
  const git = gitAt(repository.dir, { deadlineMs: 100_000 })
  const steps = [{ from: base, to: bomb }]
  const query = { revisions: [base, bomb], paths: [], signal }
  for (const [name, listing] of Object.entries({
    changedBlobs: () => changedBlobs(git, query),
    allContents: () => allContents(git, steps, { signal }),
  }))
    await assert.rejects(listing, tooMuch(/more than 250000 /), name)
})

test('a few names of endless length are a bomb as well', async () => {
  const git = gitAt(repository.dir, { deadlineMs: 100_000 })
  await assert.rejects(allContents(git, [{ from: base, to: long }], { signal }), tooMuch(/more than 67108864 bytes/))
  await assert.rejects(runInWorkspace(listFiles, repository.dir, { revision: long }), tooMuch(/files take more than/))
})

test('an explanation that would be too long is left out, and the failure told all the same', async () => {
  await writeFile(join(repository.dir, 'd0'), 'mine\n')
  await assert.rejects(runInWorkspace(checkout, repository.dir, { ref: bomb }), { code: 'worktree_dirty' })
  await repository.git(['checkout', '--quiet', '--', 'd0'])
})

test('a stash of a bomb is not taken back', async () => {
  const index = await repository.git(['commit-tree', '-p', base, '-m', 'index', `${base}^{tree}`])
  const tree = await repository.git(['rev-parse', `${bomb}^{tree}`])
  const made = await repository.git(['commit-tree', '-p', base, '-p', index, '-m', 'WIP on main', tree])
  await repository.git(['stash', 'store', '-m', 'WIP', made])
  await assert.rejects(runInWorkspace(stash, repository.dir, { action: 'pop' }), tooMuch(/more than 250000 files/))
  const list = await runInWorkspace(stash, repository.dir, { action: 'list' })
  assert.equal(list.stashes.length, 1)
})

test('an index that is a bomb is told by its first paths and their number', async () => {
  await repository.git(['read-tree', bomb])
  const error: unknown = await runInWorkspace(rebase, repository.dir, { onto: bomb }).catch((caught: unknown) => caught)
  assert(hasCode(error, 'worktree_dirty'))
  assert.deepEqual([(error.details['paths'] as []).length, error.details['count']], [100, breadth * breadth + 1])
  const git = gitAt(repository.dir, { deadlineMs: 100_000 })
  const all = { paths: [], signal }
  await assert.rejects(stagedBlobs(git, { ...all, from: base }), tooMuch(/more than 250000 changed files/))
  await repository.git(['read-tree', base])
})
