import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../src/core/errors.ts'
import { changedBlobs } from '../../src/git/blobs.ts'
import { stagedBlobs } from '../../src/git/index-changes.ts'
import { allContents } from '../../src/git/merge-contents.ts'
import { checkout } from '../../src/git/operations/checkout.ts'
import { listFiles } from '../../src/git/operations/list-files.ts'
import { rebase } from '../../src/git/operations/rebase.ts'
import { stash } from '../../src/git/operations/stash.ts'
import { gitAt } from './operation-run.ts'
import { makeRepository } from './repository.ts'
import { runInWorkspace } from './workspace-run.ts'

/** How what lists a bomb ended, by what it was. */
export type BombEndings = Readonly<Record<string, BombEnding>>

export interface BombEnding {
  /** `null` where it did not fail. */
  readonly code: string | null
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

/** Every directory of a bomb has as many entries as there are directories. */
export const breadth = 512

if (import.meta.main) process.stdout.write(JSON.stringify(await listBombs(process.argv[2] ?? '')))

/**
 * Lists bombs in every way there is, as a process of its own: the test runner looks after each promise, and a quarter of a
 * million records have many.
 */
async function listBombs(dir: string): Promise<BombEndings> {
  const repository = await makeRepository(dir)
  const { git, commit } = repository
  const { signal } = new AbortController()
  const base = await commit({ files: { d0: 'a file\n' } })
  const blob = await git(['rev-parse', 'HEAD:d0'])
  const makeTree = (names: readonly string[], entry: string) =>
    git(['mktree'], { input: names.map((name) => `${entry}\t${name}\n`).join('') })
  const makeCommit = async (tree: string) => git(['commit-tree', '-p', base, '-m', 'Bomb', tree])
  const names = Array.from({ length: breadth }, (_, index) => `d${index}`)
  const files = await makeTree(names, `100644 blob ${blob}`)
  // A commit after `base` with a quarter of a million files, in two trees, and one with few files of very long names.
  const bomb = await makeCommit(await makeTree(names, `040000 tree ${files}`))
  const long = await makeCommit(await makeTree(['x'.repeat(200_000)], `040000 tree ${files}`))
  await git(['checkout', '--quiet', 'main'])

  const ours = gitAt(dir, { deadlineMs: 100_000 })
  const endings: Record<string, BombEnding> = {}
  const end = async (name: string, listing: Promise<unknown>): Promise<void> => {
    endings[name] = await listing.then(
      () => ({ code: null, message: '', details: {} }),
      (error: unknown) => {
        if (!(error instanceof AppError)) throw error
        return { code: error.code, message: error.message, details: error.details }
      },
    )
  }
  await end('changed blobs', changedBlobs(ours, { revisions: [base, bomb], paths: [], signal }))
  await end('all contents', allContents(ours, [{ from: base, to: bomb }], { signal }))
  await end('long names', allContents(ours, [{ from: base, to: long }], { signal }))
  await end('long list', runInWorkspace(listFiles, dir, { revision: long }))

  await writeFile(join(dir, 'd0'), 'mine\n')
  await end('checkout', runInWorkspace(checkout, dir, { ref: bomb }))
  await git(['checkout', '--quiet', '--', 'd0'])

  const index = await git(['commit-tree', '-p', base, '-m', 'index', `${base}^{tree}`])
  const stashed = ['commit-tree', '-p', base, '-p', index, '-m', 'WIP on main', `${bomb}^{tree}`]
  await git(['stash', 'store', '-m', 'WIP', await git(stashed)])
  await end('stash', runInWorkspace(stash, dir, { action: 'pop' }))
  const { stashes } = await runInWorkspace(stash, dir, { action: 'list' })
  if (stashes.length !== 1) throw new Error(`There are ${stashes.length} stashes`)

  await git(['read-tree', bomb])
  await end('rebase', runInWorkspace(rebase, dir, { onto: bomb }))
  await end('staged blobs', stagedBlobs(ours, { paths: [], signal, from: base }))
  return endings
}
