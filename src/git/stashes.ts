import { z } from 'zod'
import { AppError } from '../core/errors.ts'
import { toExactText, type ExactText } from './bytes.ts'
import { oid } from './fields.ts'
import { keeping } from './keeping.ts'
import { readRawRecord } from './raw-records.ts'
import { recordFormat } from './records.ts'
import { isOid } from './revision.ts'
import type { Git } from './run-git.ts'
import { readStatus } from './status-records.ts'
import { readTree, treeFlags } from './tree-records.ts'

/** Changes put aside. */
export const stashEntry = z.strictObject({
  index: z.int().meta({ description: 'Place in the list; 0 is the newest.' }),
  commit: oid.meta({ description: 'Its first parent is the commit it was made on.' }),
  message: z.string(),
  date: z.string(),
})

/** A stash with what it consists of. */
export interface Stash {
  readonly entry: z.output<typeof stashEntry>
  /** The commit it was made on. */
  readonly base: string
  /** A commit that holds the untracked files alone; `null` where they were left out. */
  readonly untracked: string | null
}

const record = recordFormat({ commit: '%H', parents: '%P', date: '%cI', message: '%gs' })

/** The newest stashes, or those from a place in the list on. */
export async function readStashes(
  git: Git,
  { skip, limit, signal }: { skip: number; limit: number; signal: AbortSignal },
): Promise<readonly Stash[]> {
  const flags = ['-z', `--format=tformat:${record.format}`, `--skip=${skip}`, `--max-count=${limit}`]
  return git.read('stash', { action: 'list', flags, signal }, async (reader) => {
    const found: Stash[] = []
    const keep = keeping('stashes')
    for (let fields = await record.read(reader); fields !== null; fields = await record.read(reader)) {
      const { commit, date, message } = fields
      const [base = '', , untracked = null] = fields.parents.split(' ')
      const entry = { index: skip + found.length, commit, message, date }
      // Whatever a program has put under refs/stash is listed; what was made by stash has parents.
      keep(message.length)
      found.push({ entry, base: isOid(base) ? base : commit, untracked })
    }
    return found
  })
}

/**
 * Throws `worktree_dirty` where files with changes, or unknown to git, are what the stash would write.
 * Git finds out as well, but has by then brought back the stash's untracked files, or everything else.
 */
export async function refuseOverwriting(git: Git, stash: Stash, { signal }: { signal: AbortSignal }): Promise<void> {
  const written = await pathsOf(git, stash, signal)
  const flags = ['--porcelain=v2', '-z', '--no-renames', '--untracked-files=all', '--ignore-submodules=all']
  const paths = await git.read('status', { flags, signal }, async (reader) => {
    const found: ExactText[] = []
    for await (const { path, worktree } of readStatus(reader)) {
      if (worktree !== '.' && written.has(path.toString('latin1')) && found.length < 100) found.push(toExactText(path))
    }
    return found
  })
  if (paths.length === 0) return
  throw new AppError('worktree_dirty', 'Cannot apply the stash: files with changes are in the way', {
    details: { paths },
  })
}

/** Throws `workspace_busy` where another program holds the index; `stash` only fails then, without a word. */
export async function refuseLockedIndex(git: Git, { signal }: { signal: AbortSignal }): Promise<void> {
  await git('add', { flags: ['--refresh'], signal })
}

async function pathsOf(git: Git, { entry, base, untracked }: Stash, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const flags = ['-r', '-z', '--raw', '--no-abbrev', '--no-renames', '--ignore-submodules=none']
  const request = { flags, revisions: [base, entry.commit], commitsOnly: true, signal }
  const keep = keeping('files in the stash')
  const changed = await git.read('diff-tree', request, async (reader) => {
    const found = new Set<string>()
    for (let one = await readRawRecord(reader); one !== null; one = await readRawRecord(reader)) {
      keep(one.path.length)
      found.add(one.path.toString('latin1'))
    }
    return found
  })
  if (untracked === null) return changed
  const listing = { flags: [...treeFlags, '-r'], revisions: [untracked], commitsOnly: true, signal }
  return git.read('ls-tree', listing, async (reader) => {
    for await (const { path } of readTree(reader)) {
      keep(path.length)
      changed.add(path.toString('latin1'))
    }
    return changed
  })
}
