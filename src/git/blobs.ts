import type { ExactText } from './bytes.ts'
import { keeping } from './keeping.ts'
import { blobsOf, readRawRecord } from './raw-records.ts'
import type { Git } from './run-git.ts'
import { readTree, treeFlags } from './tree-records.ts'

/** What to look at when listing file contents. */
interface BlobQuery {
  readonly revisions: readonly string[]
  readonly paths: readonly ExactText[]
  readonly signal: AbortSignal
}

/**
 * Ids of every file content that comparing two commits, or a commit with its first parent, can read.
 * Renames are left undetected on purpose: then every candidate shows, as a deletion or an addition.
 */
export async function changedBlobs(git: Git, { revisions, paths, signal }: BlobQuery): Promise<readonly string[]> {
  const flags = [
    '-r',
    '-z',
    '--raw',
    '--no-abbrev',
    '--no-renames',
    '--root',
    '--no-commit-id',
    '--diff-merges=first-parent',
  ]
  const request = { flags: [...flags, '--ignore-submodules=none'], revisions, paths, commitsOnly: true, signal }
  return git.read('diff-tree', request, async (reader) => {
    const ids = new Set<string>()
    const keep = keeping('changed files')
    for (let record = await readRawRecord(reader); record !== null; record = await readRawRecord(reader)) {
      keep(0)
      for (const id of blobsOf(record)) ids.add(id)
    }
    return [...ids]
  })
}

/** Ids of the file contents of one commit at some paths, and below them where asked. */
export async function treeBlobs(
  git: Git,
  query: { commit: string; paths: readonly ExactText[]; recursive: boolean; signal: AbortSignal },
): Promise<readonly string[]> {
  const { commit, paths, recursive, signal } = query
  const flags = recursive ? [...treeFlags, '-r'] : treeFlags
  return git.read('ls-tree', { flags, revisions: [commit], paths, commitsOnly: true, signal }, async (reader) => {
    const ids = new Set<string>()
    const keep = keeping('files')
    for await (const entry of readTree(reader)) {
      keep(0)
      if (entry.type === 'blob') ids.add(entry.oid)
    }
    return [...ids]
  })
}
