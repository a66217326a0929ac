import { toExactText, type ExactText } from './bytes.ts'
import type { ByteReader } from './byte-reader.ts'
import { keeping } from './keeping.ts'
import { blobsOf, isSubmodule, readRawRecord, type RawRecord } from './raw-records.ts'
import { recordFormat } from './records.ts'
import type { Git } from './run-git.ts'

interface Query {
  readonly commit: string
  readonly path: ExactText
  readonly signal: AbortSignal
}

/** A commit where a path begins: blame then looks for the deleted file that it was renamed from. */
interface Birth {
  readonly oid: string
  readonly isMerge: boolean
}

const record = recordFormat({ id: '%H', parents: '%P' })
const rawFlags: readonly string[] = [
  ...['-z', '--raw', '--no-abbrev', '--no-renames', '-m', '--root', '--ignore-submodules=none'],
  ...['--no-ext-diff', '--no-textconv', '--no-color', '--no-notes', `--format=tformat:${record.format}`],
]
const pathsPerRun = 1000
const newline = 0x0a

/**
 * Ids of every file content that blaming a path can read, found from commits and trees alone.
 * Which deleted file a path was renamed from depends on contents, so every candidate is followed, unless one has the very same id.
 */
export async function blameBlobs(git: Git, { commit, path, signal }: Query): Promise<readonly string[]> {
  const ids = new Set<string>()
  const seen = new Set([keyOf(path)])
  const keep = keeping('versions of files')
  for (let paths: readonly ExactText[] = [path]; paths.length > 0;) {
    const births = new Map<string, Birth[]>()
    for (let at = 0; at < paths.length; at += pathsPerRun) {
      const some = paths.slice(at, at + pathsPerRun)
      await readVersions(git, { commit, paths: some, ids, births, keep, signal })
    }
    const sources = births.size === 0 ? [] : await readSources(git, { births, ids, keep, signal })
    const fresh = new Map(sources.map((source) => [keyOf(source), source]))
    paths = [...fresh].filter(([key]) => !seen.has(key)).map(([, source]) => source)
    for (const key of fresh.keys()) seen.add(key)
  }
  return [...ids]
}

interface Versions {
  readonly commit: string
  readonly paths: readonly ExactText[]
  readonly ids: Set<string>
  readonly births: Map<string, Birth[]>
  readonly keep: (bytes: number) => void
  readonly signal: AbortSignal
}

// Adds every version of the paths to `ids`, and the commits where one begins to `births`.
async function readVersions(git: Git, { commit, paths, ids, births, keep, signal }: Versions): Promise<void> {
  const keys = new Set(paths.map(keyOf))
  const request = { flags: [...rawFlags, '--full-history'], revisions: [commit], paths, commitsOnly: true, signal }
  await git.read('log', request, async (reader) => {
    let seen = { id: '', counts: new Map<string, number>() }
    for await (const { id, parents, records } of readChanges(reader)) {
      if (seen.id !== id) seen = { id, counts: new Map() }
      for (const change of records) {
        keep(0)
        for (const blob of blobsOf(change)) ids.add(blob)
        const key = change.path.toString('latin1')
        if (!keys.has(key)) continue
        const count = (seen.counts.get(key) ?? 0) + 1
        seen.counts.set(key, count)
        // A merge with a parent that has the same file passes the blame there: only the last parent's record can show that none has.
        const isNew = change.status === 'A' || change.status === 'T' || parents > 1
        if (isNew && parents > 0 && count === parents) {
          births.set(id, [...(births.get(id) ?? []), { oid: change.newOid, isMerge: parents > 1 }])
        }
      }
    }
  })
}

interface Sources {
  readonly births: ReadonlyMap<string, readonly Birth[]>
  readonly ids: Set<string>
  readonly keep: (bytes: number) => void
  readonly signal: AbortSignal
}

// The files deleted where a path begins; those that may be compared by content are added to `ids`.
async function readSources(git: Git, { births, ids, keep, signal }: Sources): Promise<readonly ExactText[]> {
  const stdin = [...births.keys()].map((id) => `${id}\n`).join('')
  const request = { flags: [...rawFlags, '-r', '--diff-filter=D', '--stdin'], commitsOnly: true, stdin, signal }
  return git.read('diff-tree', request, async (reader) => {
    const sources: ExactText[] = []
    for await (const { id, records } of readChanges(reader)) {
      const deleted = records.filter(({ oldMode }) => !isSubmodule(oldMode))
      for (const birth of births.get(id) ?? []) {
        const same = birth.isMerge ? [] : deleted.filter(({ oldOid }) => oldOid === birth.oid)
        for (const { path, oldOid } of same.length > 0 ? same : deleted) {
          keep(path.length)
          ids.add(oldOid)
          sources.push(toExactText(path))
        }
      }
    }
    return sources
  })
}

interface Changes {
  readonly id: string
  /** How many parents the commit has; each gives a group of its own. */
  readonly parents: number
  readonly records: readonly RawRecord[]
}

async function* readChanges(reader: ByteReader): AsyncGenerator<Changes, void> {
  for (let head = await record.read(reader); head !== null; head = await record.read(reader)) {
    if ((await reader.peek()) === newline) await reader.skip(1)
    const records: RawRecord[] = []
    const keep = keeping('changed files')
    for (let raw = await readRawRecord(reader); raw !== null; raw = await readRawRecord(reader)) {
      keep(raw.path.length)
      records.push(raw)
    }
    yield { id: head.id, parents: head.parents === '' ? 0 : head.parents.split(' ').length, records }
  }
}

function keyOf(path: ExactText): string {
  return typeof path === 'string'
    ? Buffer.from(path).toString('latin1')
    : Buffer.from(path.base64, 'base64').toString('latin1')
}
