import { AppError } from '../core/errors.ts'
import type { ByteReader } from './byte-reader.ts'

/** One entry of `status --porcelain=v2 -z`. */
export interface StatusRecord {
  readonly kind: 'changed' | 'renamed' | 'unmerged' | 'untracked' | 'ignored'
  readonly index: string
  readonly worktree: string
  /** Similarity of a rename or copy in per cent. */
  readonly score: number | null
  readonly headMode: string | null
  readonly worktreeMode: string | null
  readonly headOid: string | null
  readonly indexOid: string | null
  readonly path: Buffer
  readonly oldPath: Buffer | null
}

// Fields before the path, by the first letter of the entry.
const fieldCounts: Readonly<Record<string, number>> = { '1': 8, '2': 9, u: 10, '?': 1, '!': 1 }

/** The entries, as they arrive. */
export async function* readStatus(reader: ByteReader): AsyncGenerator<StatusRecord, void> {
  for (let line = await reader.until(0); line !== null; line = await reader.until(0)) {
    const letter = String.fromCharCode(line[0] ?? 0)
    const { fields, path } = splitFields(line, fieldCounts[letter] ?? 0)
    if (path.length === 0) throw new AppError('git_failed', 'Cannot read the output of git: not a status entry')
    if (letter === '?' || letter === '!') {
      const none = { score: null, headMode: null, worktreeMode: null, headOid: null, indexOid: null, oldPath: null }
      yield { kind: letter === '?' ? 'untracked' : 'ignored', index: letter, worktree: letter, path, ...none }
      continue
    }
    const [, letters = '..'] = fields
    // An unmerged entry has three stages; the second, ours, stands for HEAD.
    const places = letter === 'u' ? [4, 6, 8] : [3, 5, 6, 7]
    const [headMode = '', worktreeMode = '', headOid = '', indexOid = ''] = places.map((place) => fields[place])
    yield {
      kind: letter === '1' ? 'changed' : letter === '2' ? 'renamed' : 'unmerged',
      index: letters.charAt(0),
      worktree: letters.charAt(1),
      score: letter === '2' ? Number(fields[8]?.slice(1)) : null,
      headMode: present(headMode),
      worktreeMode: present(worktreeMode),
      headOid: present(headOid),
      indexOid: letter === 'u' ? null : present(indexOid),
      path,
      oldPath: letter === '2' ? await reader.until(0) : null,
    }
  }
}

function splitFields(line: Buffer, count: number): { fields: readonly string[]; path: Buffer } {
  let at = 0
  const fields: string[] = []
  while (fields.length < count) {
    const end = line.indexOf(0x20, at)
    if (end < 0) return { fields, path: Buffer.alloc(0) }
    fields.push(line.subarray(at, end).toString('latin1'))
    at = end + 1
  }
  return { fields, path: line.subarray(at) }
}

function present(field: string): string | null {
  return /^0*$/.test(field) ? null : field
}
