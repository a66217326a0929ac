import { z } from 'zod'
import { exactText, plainLine, plainText, toExactText } from './bytes.ts'
import type { ByteReader } from './byte-reader.ts'
import { limit, maxBytes, oid, repoPaths } from './fields.ts'
import { keeping } from './keeping.ts'
import { eachPatch } from './patches.ts'
import { readNumstat, readRawRecord, type NumstatRecord, type RawRecord } from './raw-records.ts'

/** Input fields of every operation that compares two trees. */
export const diffOptions = {
  paths: repoPaths,
  patch: z.boolean().default(true).meta({ description: 'Whether to answer the changed lines.' }),
  contextLines: z.int().min(0).max(1000).default(3).meta({ description: 'Unchanged lines around each change.' }),
  ignoreWhitespace: z.boolean().default(false).meta({ description: 'Whether white space does not count in lines.' }),
  copies: z.boolean().default(false).meta({ description: 'Whether to look for copies as well as renames.' }),
  limit: limit(1000),
  maxBytes: maxBytes(),
}
type DiffOptions = z.output<z.ZodObject<typeof diffOptions>>

const statuses = {
  A: 'added',
  D: 'deleted',
  M: 'modified',
  T: 'type-changed',
  R: 'renamed',
  C: 'copied',
  U: 'unmerged',
} as const

/** A changed path by modes and ids. */
export const changedPath = {
  path: exactText,
  oldPath: exactText.nullable().meta({ description: 'Where a rename or copy comes from.' }),
  status: z.enum(Object.values(statuses)),
  score: z.int().nullable().meta({ description: 'Similarity of a rename or copy in per cent.' }),
  oldMode: z.string().nullable(),
  newMode: z.string().nullable().meta({ description: '100644, 100755, 120000 (symlink) or 160000 (submodule).' }),
  oldOid: oid.nullable(),
  newOid: oid.nullable(),
}
const changedPathObject = z.strictObject(changedPath)
export type ChangedPath = z.output<typeof changedPathObject>

const diffFile = z.strictObject({
  ...changedPath,
  additions: z.int().nullable().meta({ description: 'null for a binary file.' }),
  deletions: z.int().nullable(),
  binary: z.boolean(),
  patch: exactText.nullable(),
  truncated: z.boolean().meta({ description: 'Whether the patch was left out because of maxBytes.' }),
})
export type DiffFile = z.output<typeof diffFile>

/** Output fields of every operation that compares two trees. */
export const diffAnswer = {
  files: z.array(diffFile),
  totals: z.strictObject({ files: z.int(), additions: z.int(), deletions: z.int() }),
  truncated: z.boolean().meta({ description: 'Whether files or patches were left out.' }),
}
const diffAnswerObject = z.strictObject(diffAnswer)
export type DiffAnswer = z.output<typeof diffAnswerObject>

/** Most paths on either side that rename detection compares by content; beyond it only exact renames are found. */
export const renameLimit = 1000

/** The flags that make git print what `readDiff` reads. */
export function diffFlags(options: DiffOptions): readonly string[] {
  return [
    ...['-r', '-z', '--raw', '--numstat', '--full-index', '--no-abbrev', '--root'],
    ...['--no-color', '--no-ext-diff', '--no-textconv', '--submodule=short', '--src-prefix=a/', '--dst-prefix=b/'],
    // Two trees are compared by id: a submodule shows as changed and is never entered.
    '--ignore-submodules=none',
    options.copies ? '-C' : '-M',
    `-l${renameLimit}`,
    ...(options.patch ? ['--patch', `--unified=${options.contextLines}`] : []),
    ...(options.ignoreWhitespace ? ['--ignore-all-space'] : []),
  ]
}

/** Everything that `eachFile` gives, gathered. */
export async function readDiff(reader: ByteReader, options: DiffOptions): Promise<DiffAnswer> {
  const files: DiffFile[] = []
  const rest = await eachFile(reader, options, (file) => void files.push(file))
  return { files, ...rest }
}

/** Reads raw records, line counts and patches, in git's order, and gives each file once its patch is there. */
export async function eachFile(
  reader: ByteReader,
  options: DiffOptions,
  give: (file: DiffFile) => Promise<void> | void,
): Promise<Omit<DiffAnswer, 'files'>> {
  const records: RawRecord[] = []
  const keep = keeping('changed files', options.limit)
  let count = 0
  for (let record = await readRawRecord(reader); record !== null; record = await readRawRecord(reader)) {
    if (count++ >= options.limit) continue
    keep(record.path.length + (record.oldPath?.length ?? 0))
    records.push(record)
  }
  const totals = { files: count, additions: 0, deletions: 0 }
  const stats = new Map<string, NumstatRecord>()
  const kept = new Set(records.map(({ path }) => path.toString('latin1')))
  for (let stat = await readNumstat(reader); stat !== null; stat = await readNumstat(reader)) {
    totals.additions += stat.additions ?? 0
    totals.deletions += stat.deletions ?? 0
    const key = stat.path.toString('latin1')
    if (kept.has(key)) stats.set(key, stat)
  }
  let isCut = false
  for await (const { record, patch, isLeftOut } of eachPatch(reader, records, options.maxBytes)) {
    const stat = stats.get(record.path.toString('latin1')) ?? { additions: 0, deletions: 0 }
    isCut ||= isLeftOut
    await give(toFile(record, stat, patch, isLeftOut))
  }
  return { totals, truncated: count > records.length || isCut }
}

/** A raw record as a value. */
export function toChangedPath(record: RawRecord): ChangedPath {
  return {
    path: toExactText(record.path),
    oldPath: record.oldPath === null ? null : toExactText(record.oldPath),
    status: statuses[record.status as keyof typeof statuses] ?? 'modified',
    score: record.score,
    oldMode: record.oldMode === '000000' ? null : record.oldMode,
    newMode: record.newMode === '000000' ? null : record.newMode,
    oldOid: isZero(record.oldOid) ? null : record.oldOid,
    newOid: isZero(record.newOid) ? null : record.newOid,
  }
}

/** The changes as text: patches where there are any, else a line each. */
export function plainDiff({ files, truncated }: DiffAnswer): string {
  const parts = files.map((file) => (file.patch === null ? `${plainChange(file)}\n` : plainText(file.patch)))
  return parts.join('') + (truncated ? 'more was left out: raise limit or maxBytes\n' : '')
}

/** A changed path on one line, as `git diff --name-status` prints it. */
export function plainChange(file: ChangedPath): string {
  const letter = Object.entries(statuses).find(([, name]) => name === file.status)?.[0] ?? '?'
  const names = file.oldPath === null ? [file.path] : [file.oldPath, file.path]
  return [`${letter}${file.score ?? ''}`, ...names.map(plainLine)].join('\t')
}

function toFile(
  record: RawRecord,
  stat: Pick<NumstatRecord, 'additions' | 'deletions'>,
  patch: Buffer | null,
  isCut: boolean,
): DiffFile {
  const { additions, deletions } = stat
  return {
    ...toChangedPath(record),
    additions,
    deletions,
    binary: additions === null,
    patch: patch === null ? null : toExactText(patch),
    truncated: isCut,
  }
}

function isZero(id: string): boolean {
  return /^0+$/.test(id)
}
