import { AppError, type ErrorCode } from '../core/errors.ts'
import type { ByteReader } from '../git/byte-reader.ts'
import { toExactText, type ExactText } from '../git/bytes.ts'

const kinds = ['file', 'executable', 'directory', 'symlink', 'other'] as const

/** What bears a name; `other` is a FIFO, a socket or a device. */
export type FileKind = (typeof kinds)[number]

/** One name in a directory. */
export interface FileEntry {
  readonly name: ExactText
  readonly kind: FileKind
  /** Bytes of a file, or of what a link says; `null` for everything else. */
  readonly size: number | null
  /** What a link says; `null` for everything else. */
  readonly target: ExactText | null
}

/** The first line of an answer of worktree-files.pl. */
export interface Verdict {
  readonly isOk: boolean
  readonly words: readonly string[]
}

export async function readVerdict(reader: ByteReader): Promise<Verdict> {
  const line = (await reader.until(0x0a))?.toString('latin1') ?? ''
  const [verdict, ...words] = line.split(' ')
  if (verdict !== 'ok' && verdict !== 'no') throw notUnderstood()
  return { isOk: verdict === 'ok', words }
}

/** A number in an answer. */
export function figure(word: string | undefined): number {
  if (word === undefined || !/^\d+$/.test(word) || !Number.isSafeInteger(Number(word))) throw notUnderstood()
  return Number(word)
}

/** A kind in an answer. */
export function fileKind(word: string | undefined): FileKind {
  const kind = kinds.find((kind) => kind === word)
  if (kind === undefined) throw notUnderstood()
  return kind
}

/** The next entry of a list; `null` at its end. */
export async function readEntry(reader: ByteReader): Promise<FileEntry | null> {
  const facts = await reader.until(0)
  if (facts === null) return null
  const [word, size] = facts.toString('latin1').split(' ')
  const kind = fileKind(word)
  const name = await exactText(reader)
  const target = await exactText(reader)
  return {
    name,
    kind,
    size: kind === 'directory' || kind === 'other' ? null : figure(size),
    target: kind === 'symlink' ? target : null,
  }
}

async function exactText(reader: ByteReader): Promise<ExactText> {
  const bytes = await reader.until(0)
  if (bytes === null) throw notUnderstood()
  return toExactText(bytes)
}

/** Exactly so many bytes of content: what ends early must not look whole, not even to who reads on after the end. */
export async function* contentOf(reader: ByteReader, length: number): AsyncGenerator<Uint8Array, void> {
  let missing = length
  for await (const chunk of reader.rest()) {
    missing -= chunk.length
    yield chunk
  }
  if (missing !== 0) throw new AppError('sandbox_failed', 'Cannot read the file: its content is cut off')
}

const reasons = {
  missing: ['path_not_found', 'nothing is there'],
  file: ['path_blocked', 'a file is in the way'],
  directory: ['path_blocked', 'a directory is in the way'],
  symlink: ['path_blocked', 'a link is in the way'],
  other: ['path_blocked', 'something that is no file is in the way'],
  forbidden: ['path_blocked', 'its mode does not allow it'],
  occupied: ['path_blocked', 'the directory is not empty'],
  resisting: ['path_blocked', 'something in the directory cannot be removed'],
  held: ['path_blocked', 'a program has a lease on it'],
  changing: ['path_blocked', 'a program keeps changing what is there'],
  full: ['disk_limit', 'no room is left for its content'],
  many: ['inode_limit', 'no room is left for another file'],
} as const satisfies Record<string, readonly [ErrorCode, string]>

/** The error for an answer of "no"; `details.at` is the part of the path that is in the way, `null` for the top. */
export function fileRefusal(action: string, path: Buffer, [reason = '', depth]: readonly string[]): AppError {
  if (!isReason(reason)) throw notUnderstood()
  const [code, fact] = reasons[reason]
  const segments = path.toString('latin1').split('/').slice(0, figure(depth))
  const [exactPath, at] = [path, Buffer.from(segments.join('/'), 'latin1')].map((bytes) =>
    bytes.length === 0 ? null : toExactText(bytes),
  )
  return new AppError(code, `Cannot ${action}: ${fact}`, { details: { path: exactPath, at } })
}

function isReason(word: string): word is keyof typeof reasons {
  return Object.hasOwn(reasons, word)
}

function notUnderstood(): AppError {
  return new AppError('sandbox_failed', 'Cannot reach files: an answer is not understood')
}
