import { exactBytes, type ExactText } from './bytes.ts'

/** Longest path in bytes, as PATH_MAX. */
export const maxPathBytes = 4096
const maxSegmentBytes = 255

/** Why a path inside a repository is refused; `null` where it is fine. One trailing slash is allowed. */
export function pathProblem(path: ExactText): string | null {
  if (typeof path === 'string' && !path.isWellFormed()) return 'it is not well-formed Unicode'
  const bytes = exactBytes(path)
  if (bytes.length === 0) return 'it is empty'
  if (bytes.length > maxPathBytes) return `it is longer than ${maxPathBytes} bytes`
  if (bytes.includes(0)) return 'it contains NUL'
  if (bytes[0] === 0x2f) return 'it is absolute'
  const segments = pathBytes(path).toString('latin1').split('/')
  for (const segment of segments) {
    if (segment === '') return 'it has an empty segment'
    if (segment === '.' || segment === '..') return `it has a "${segment}" segment`
    if (segment.length > maxSegmentBytes) return `it has a segment longer than ${maxSegmentBytes} bytes`
    if (isGitDirectory(Buffer.from(segment, 'latin1').toString('utf8'))) return 'it leads into .git'
  }
  return null
}

/** The path as git has it, without a trailing slash. */
export function pathBytes(path: ExactText): Buffer {
  const bytes = exactBytes(path)
  return bytes.length > 1 && bytes.at(-1) === 0x2f ? bytes.subarray(0, -1) : bytes
}

// What HFS+ ignores in names, so that ".g\u200cit" is ".git" there.
const ignorable = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g

/** Whether some file system would open `.git` under this name (NTFS drops dots, spaces and streams at the end). */
function isGitDirectory(segment: string): boolean {
  return /^(?:\.git|git~1)[ .]*(?:[:\\].*)?$/is.test(segment.replace(ignorable, ''))
}
