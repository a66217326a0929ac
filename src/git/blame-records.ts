import { AppError } from '../core/errors.ts'
import type { ByteReader } from './byte-reader.ts'
import { unquoteName } from './quote.ts'

/** One line of a file and where it comes from, as `blame --porcelain` tells it. */
export interface BlameRecord {
  readonly commit: string
  readonly originalLine: number
  readonly line: number
  readonly originalPath: Buffer
  readonly author: { readonly name: string; readonly email: string; readonly date: string }
  readonly summary: string
  /** The history known here ends at this commit. */
  readonly boundary: boolean
  readonly text: Buffer
}

const newline = 0x0a
const tab = 0x09
const headPattern = /^([0-9a-f]{40,64}) (\d+) (\d+)(?: \d+)?$/

/** The lines, as they arrive. */
export async function* readBlame(reader: ByteReader): AsyncGenerator<BlameRecord, void> {
  // Git tells about a commit once, and its path again where it has several.
  const known = new Map<string, ReadonlyMap<string, Buffer>>()
  for (let head = await reader.until(newline); head !== null; head = await reader.until(newline)) {
    const match = headPattern.exec(head.toString('latin1'))
    if (match === null) throw new AppError('git_failed', 'Cannot read the output of git: not a blame record')
    const [, commit = '', originalLine, line] = match
    const fields = new Map(known.get(commit))
    let next = await reader.until(newline)
    for (; next !== null && next[0] !== tab; next = await reader.until(newline)) {
      const space = next.indexOf(0x20)
      const end = space < 0 ? next.length : space
      fields.set(next.toString('latin1', 0, end), next.subarray(end + 1))
    }
    known.set(commit, fields)
    const text = (name: string) => fields.get(name)?.toString('utf8') ?? ''
    yield {
      commit,
      originalLine: Number(originalLine),
      line: Number(line),
      originalPath: unquoteName(fields.get('filename') ?? Buffer.alloc(0)),
      author: {
        name: text('author'),
        email: text('author-mail').replace(/^<|>$/g, ''),
        date: isoDate(Number(text('author-time')), text('author-tz')),
      },
      summary: text('summary'),
      boundary: fields.has('boundary'),
      text: next?.subarray(1) ?? Buffer.alloc(0),
    }
  }
}

/** Seconds and an offset such as `+0130` as ISO 8601. */
function isoDate(seconds: number, offset: string): string {
  const [, sign = '+', hours = '00', minutes = '00'] = /^([+-])(\d\d)(\d\d)$/.exec(offset) ?? []
  const shift = (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60)
  const local = new Date((seconds + shift) * 1000)
  // Beyond what a date can hold, the bare number is the truth.
  if (Number.isNaN(local.getTime())) return `${seconds}`
  const zone = shift === 0 && sign === '+' ? 'Z' : `${sign}${hours}:${minutes}`
  return local.toISOString().replace(/\.000Z$/, zone)
}
