import { AppError } from '../core/errors.ts'
import type { ByteReader } from './byte-reader.ts'

/** One line that `grep -z --line-number --column` prints. */
export interface GrepRecord {
  readonly path: Buffer
  readonly line: number
  /** Byte where the match begins, from 1; `null` for a line of context. */
  readonly column: number | null
  readonly text: Buffer
  /** Lines are missing between this one and the one before. */
  readonly isApart: boolean
}

const newline = 0x0a
const separator = Buffer.from('--\n')

/** The lines, as they arrive; `commit` is what git puts before each path. */
export async function* readGrep(reader: ByteReader, commit: string): AsyncGenerator<GrepRecord, void> {
  const prefix = Buffer.from(`${commit}:`)
  for (let name = await reader.until(0); name !== null; name = await reader.until(0)) {
    const isApart = name.subarray(0, separator.length).equals(separator)
    const full = isApart ? name.subarray(separator.length) : name
    const number = await reader.until(0)
    const rest = await reader.until(newline)
    if (number === null || rest === null || !full.subarray(0, prefix.length).equals(prefix)) {
      throw new AppError('git_failed', 'Cannot read the output of git: not a grep record')
    }
    // Only matches have a column; text after it may hold anything but a newline.
    const column = /^(\d{1,10})\0/.exec(rest.toString('latin1', 0, 11))?.[1]
    yield {
      path: full.subarray(prefix.length),
      line: Number(number.toString('latin1')),
      column: column === undefined ? null : Number(column),
      text: column === undefined ? rest : rest.subarray(column.length + 1),
      isApart,
    }
  }
}
