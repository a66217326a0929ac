import { AppError } from '../core/errors.ts'
import type { ByteReader } from './byte-reader.ts'

/** One entry of a tree as `ls-tree -z` prints it. */
export interface TreeRecord {
  readonly mode: string
  readonly type: string
  readonly oid: string
  /** Bytes of a file; `null` where not asked for or not a file. */
  readonly size: number | null
  readonly path: Buffer
}

/** The flags that make git print what `readTree` reads. */
export const treeFlags: readonly string[] = ['-z', '--full-tree']

const pattern = /^([0-7]{6}) ([a-z]+) ([0-9a-f]{40,64})(?: +(\d+|-|BAD))?$/

/** The entries, as they arrive. */
export async function* readTree(reader: ByteReader): AsyncGenerator<TreeRecord, void> {
  for (let line = await reader.until(0); line !== null; line = await reader.until(0)) {
    const tab = line.indexOf(0x09)
    const match = pattern.exec(line.subarray(0, tab).toString('latin1'))
    if (match === null) throw new AppError('git_failed', 'Cannot read the output of git: not a tree entry')
    const [, mode = '', type = '', oid = '', size] = match
    // Git prints this, and succeeds, where a content is missing.
    if (size === 'BAD') {
      throw new AppError('objects_missing', 'Cannot list sizes: contents are missing', { details: { oids: [oid] } })
    }
    const bytes = size === undefined || size === '-' ? null : Number(size)
    yield { mode, type, oid, size: bytes, path: line.subarray(tab + 1) }
  }
}

/** What an entry of a tree is, by its mode. */
export function kindOfMode(mode: string): 'file' | 'executable' | 'symlink' | 'submodule' | 'directory' {
  switch (mode) {
    case '040000':
      return 'directory'
    case '120000':
      return 'symlink'
    case '160000':
      return 'submodule'
    case '100755':
      return 'executable'
    default:
      return 'file'
  }
}
