import type { ByteReader } from './byte-reader.ts'
import type { ExactText } from './bytes.ts'
import { renameLimit } from './diff-files.ts'
import { keeping } from './keeping.ts'
import { blobsOf, readNumstat, readRawRecord, type RawRecord } from './raw-records.ts'
import type { Git } from './run-git.ts'

/** Two of commit, index and files. */
interface Comparison {
  /** The old side: a commit or tree, `null` for the index. */
  readonly from: string | null
  readonly to: 'index' | 'files'
  /** Empty is everything. */
  readonly paths: readonly ExactText[]
  readonly signal: AbortSignal
}

// A submodule is compared by its id, whatever the repository says about leaving it out.
const flags: readonly string[] = ['-z', '--no-abbrev', '--no-ext-diff', '--no-textconv', '--ignore-submodules=none']

/** Hands what differs to `use`, path by path; renames are a deletion and an addition. */
export function readChanges<Value>(
  git: Git,
  { from, to, paths, signal }: Comparison,
  use: (records: AsyncIterable<RawRecord>) => Promise<Value>,
): Promise<Value> {
  const request = {
    flags: [...flags, '--raw', '--no-renames', ...(to === 'index' ? ['--cached'] : [])],
    revisions: from === null ? [] : [from],
    paths,
    signal,
  }
  return git.read(from === null ? 'diff-files' : 'diff-index', request, (reader) => use(records(reader)))
}

/** Ids of the file contents that git writes when it makes the files equal to a commit, or for `null` to the index. */
export function blobsToCheckOut(git: Git, comparison: Omit<Comparison, 'to'>): Promise<readonly string[]> {
  return collectIds(git, { ...comparison, to: 'files' }, (record) => blobsOf({ ...record, newMode: '000000' }))
}

/**
 * Ids of the file contents on both sides of what is staged. Counting lines reads them, making a tree looks for the new
 * ones, and in a clone with gaps some commands want all that they compare by id.
 */
export function stagedBlobs(git: Git, comparison: Omit<Comparison, 'to'>): Promise<readonly string[]> {
  return collectIds(git, { ...comparison, to: 'index' }, blobsOf)
}

/** How much is staged against a commit or tree, counted as `diff` counts it. */
export async function countStaged(
  git: Git,
  { from, signal }: { from: string; signal: AbortSignal },
): Promise<{ files: number; additions: number; deletions: number }> {
  const counting = ['--numstat', '--find-renames', `-l${renameLimit}`, '--cached']
  const request = { flags: [...flags, ...counting], revisions: [from], signal }
  return git.read('diff-index', request, async (reader) => {
    const totals = { files: 0, additions: 0, deletions: 0 }
    for (let stat = await readNumstat(reader); stat !== null; stat = await readNumstat(reader)) {
      totals.files++
      totals.additions += stat.additions ?? 0
      totals.deletions += stat.deletions ?? 0
    }
    return totals
  })
}

function collectIds(
  git: Git,
  comparison: Comparison,
  idsOf: (record: RawRecord) => readonly string[],
): Promise<readonly string[]> {
  return readChanges(git, comparison, async (records) => {
    const ids = new Set<string>()
    const keep = keeping('changed files')
    for await (const record of records) {
      keep(0)
      for (const id of idsOf(record)) ids.add(id)
    }
    return [...ids]
  })
}

async function* records(reader: ByteReader): AsyncGenerator<RawRecord, void> {
  for (let record = await readRawRecord(reader); record !== null; record = await readRawRecord(reader)) yield record
}
