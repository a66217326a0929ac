import { isUtf8 } from 'node:buffer'
import { AppError } from '../core/errors.ts'
import type { ByteReader } from './byte-reader.ts'

/** One object as `cat-file --batch` announces it; the content follows. */
export interface ObjectHead {
  readonly oid: string
  readonly type: string
  readonly size: number
}

/** The head of the next object; `null` where git has no object of the name that was asked. */
export async function readObjectHead(reader: ByteReader, asked: Buffer): Promise<ObjectHead | null> {
  const start = await reader.until(0x20)
  const head = start?.toString('latin1') ?? ''
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(head)) {
    const line = await reader.until(0x0a)
    const match = /^([a-z]+) (\d+)$/.exec(line?.toString('latin1') ?? '')
    if (match !== null) return { oid: head, type: match[1] ?? '', size: Number(match[2]) }
  }
  if (start !== null && asked.subarray(0, start.length).equals(start)) return null
  throw new AppError('git_failed', 'Cannot read the output of git: not an object')
}

/** One entry of a tree object. */
export interface TreeEntry {
  readonly mode: string
  readonly oid: string
}

/** The entry of that name in the bytes of a tree object; `null` where there is none. */
export function findTreeEntry(tree: Buffer, name: Buffer, oidBytes: number): TreeEntry | null {
  for (let at = 0; at < tree.length;) {
    const space = tree.indexOf(0x20, at)
    const end = tree.indexOf(0, space)
    const next = end + 1 + oidBytes
    if (space < 0 || end < 0 || next > tree.length)
      throw new AppError('git_failed', 'Cannot read a tree: it is cut off')
    if (tree.subarray(space + 1, end).equals(name)) {
      return { mode: tree.toString('latin1', at, space).padStart(6, '0'), oid: tree.toString('hex', end + 1, next) }
    }
    at = next
  }
  return null
}

/** The same bytes without a character that was cut at the end, where the rest is UTF-8. */
export function wholeCharacters(bytes: Buffer): Buffer {
  for (let cut = 1; cut <= 3 && cut < bytes.length; cut++) {
    const shorter = bytes.subarray(0, -cut)
    if (isUtf8(shorter)) return shorter
  }
  return bytes
}

/** What a Git LFS pointer says about the file it stands for. */
export interface LfsPointer {
  readonly oid: string
  readonly size: number
}

/** The pointer in a file's content; `null` where it is none. */
export function parseLfsPointer(content: Buffer): LfsPointer | null {
  if (content.length > 1024) return null
  const text = content.toString('latin1')
  if (!text.startsWith('version https://git-lfs.github.com/spec/')) return null
  const oid = /^oid sha256:([0-9a-f]{64})$/m.exec(text)?.[1]
  const size = /^size (\d{1,15})$/m.exec(text)?.[1]
  return oid === undefined || size === undefined ? null : { oid, size: Number(size) }
}
