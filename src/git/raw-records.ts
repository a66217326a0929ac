import { AppError } from '../core/errors.ts'
import type { ByteReader } from './byte-reader.ts'

/** One line of `--raw -z --no-abbrev`: what happened to a path, by modes and ids alone. */
export interface RawRecord {
  /** A, D, M, T, R, C or U. */
  readonly status: string
  /** Similarity of a rename or copy in per cent. */
  readonly score: number | null
  readonly oldMode: string
  readonly newMode: string
  readonly oldOid: string
  readonly newOid: string
  readonly path: Buffer
  /** Where a rename or copy comes from. */
  readonly oldPath: Buffer | null
}

const colon = 0x3a
const pattern = /^:([0-7]{6}) ([0-7]{6}) ([0-9a-f]{40,64}) ([0-9a-f]{40,64}) ([A-Z])(\d*)$/

/** The next raw record; `null` where something else, or nothing, follows. */
export async function readRawRecord(reader: ByteReader): Promise<RawRecord | null> {
  if ((await reader.peek()) !== colon) return null
  const head = await field(reader)
  const match = pattern.exec(head.toString('latin1'))
  if (match === null) throw new AppError('git_failed', 'Cannot read the output of git: not a raw record')
  const [, oldMode = '', newMode = '', oldOid = '', newOid = '', status = '', score = ''] = match
  const isPair = status === 'R' || status === 'C'
  const oldPath = isPair ? await field(reader) : null
  const path = await field(reader)
  return { status, score: isPair ? Number(score) : null, oldMode, newMode, oldOid, newOid, path, oldPath }
}

/** One line of `--numstat -z`; `null` counts mean a binary file. */
export interface NumstatRecord {
  readonly additions: number | null
  readonly deletions: number | null
  readonly path: Buffer
}

/** The next count of lines; `null` at the end of the list, its closing NUL consumed. */
export async function readNumstat(reader: ByteReader): Promise<NumstatRecord | null> {
  const line = await reader.until(0)
  if (line === null || line.length === 0) return null
  const stat = parseNumstat(line)
  if (stat.path.length > 0) return stat
  // An empty name announces the two names of a rename or copy, old and new.
  await field(reader)
  return { ...stat, path: await field(reader) }
}

/** Counts and name of one line. */
export function parseNumstat(line: Buffer): NumstatRecord {
  const first = line.indexOf(0x09)
  const second = line.indexOf(0x09, first + 1)
  if (first < 0 || second < 0) throw new AppError('git_failed', 'Cannot read the output of git: not a numstat record')
  return {
    additions: count(line.subarray(0, first)),
    deletions: count(line.subarray(first + 1, second)),
    path: line.subarray(second + 1),
  }
}

/** Whether a mode is that of a submodule, whose id is no object of this repository. */
export function isSubmodule(mode: string): boolean {
  return mode === '160000'
}

/** Ids of the file contents on both sides of a record. */
export function blobsOf(record: RawRecord): readonly string[] {
  const old = isSubmodule(record.oldMode) || record.oldMode === '000000' ? [] : [record.oldOid]
  return isSubmodule(record.newMode) || record.newMode === '000000' ? old : [...old, record.newOid]
}

async function field(reader: ByteReader): Promise<Buffer> {
  const bytes = await reader.until(0)
  if (bytes === null) throw new AppError('git_failed', 'Cannot read the output of git: it ends in mid-record')
  return bytes
}

function count(text: Buffer): number | null {
  return text.equals(Buffer.from('-')) ? null : Number(text.toString('latin1'))
}
