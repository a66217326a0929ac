import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { AppError, hasCode } from '../core/errors.ts'
import { outputOf } from '../core/exec.ts'
import { span } from '../core/spans.ts'
import { ByteReader } from '../git/byte-reader.ts'
import { exactBytes, type ExactText } from '../git/bytes.ts'
import type { WorktreeFiles, WriteOptions } from '../git/operation.ts'
import { pathBytes, pathProblem } from '../git/path.ts'
import type { Sandbox } from '../sandbox/contract.ts'
import {
  contentOf,
  figure,
  fileKind,
  fileRefusal,
  readEntry,
  readVerdict,
  type FileEntry,
  type FileKind,
} from './file-answer.ts'
import { start } from './place.ts'

/** The files of a live working copy, which programs may change at any time; no link on the way is ever followed. */
export interface LiveFiles extends WorktreeFiles {
  /** Lends a part of a regular file to `use`; what `use` leaves unread when it returns is not read. */
  read<T>(path: ExactText, options: FileRange & Cancelable, use: (part: FilePart) => Promise<T>): Promise<T>
  /**
   * Puts a whole file in its place, and the directories above it that are missing; others see the old content or the
   * new one. A write that fails or is given up leaves at most empty directories; in its last instant it may have
   * happened all the same.
   */
  write(
    path: ExactText,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    options: WriteOptions,
  ): Promise<{ readonly existed: boolean; readonly bytes: number }>
  /** The first `limit` names of a directory in the order of their bytes; `null` is the top, where `.git` is left out. */
  list(
    path: ExactText | null,
    options: { readonly limit: number } & Cancelable,
  ): Promise<{ readonly entries: readonly FileEntry[]; readonly truncated: boolean }>
  /** Removes whatever has this name, a link as the link it is; a directory that is not empty only if `recursive`. */
  remove(path: ExactText, options: { readonly recursive: boolean } & Cancelable): Promise<{ readonly kind: FileKind }>
}

interface Cancelable {
  readonly signal: AbortSignal
}

export interface FileRange {
  /** Where to begin; negative: so many bytes before the end. Beyond the end lies nothing, which is no error. */
  readonly offset: number
  /** Most bytes to read; `null` for all up to the end. */
  readonly length: number | null
}

export interface FilePart {
  /** Bytes of the whole file. */
  readonly size: number
  readonly isExecutable: boolean
  /** Where the part begins in the file. */
  readonly offset: number
  /** Bytes of the part. */
  readonly length: number
  /** Exactly `length` bytes, or an error. */
  readonly content: AsyncIterable<Uint8Array>
}

const program = ['worktree-walk.pl', 'worktree-files.pl']
  .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8'))
  .join('\n')

/** One question to the program, asked by a command of its own. */
interface Question extends Cancelable {
  readonly verb: 'read' | 'write' | 'list' | 'remove'
  readonly path: Buffer
  readonly words: readonly (string | number)[]
  readonly stdin?: AsyncIterable<Uint8Array>
  readonly deadlineMs?: number
}

/** Cleaning up is not to be cut short by what cut short the work. */
const discardDeadlineMs = 10_000

const actions = {
  read: 'read the file',
  write: 'write the file',
  list: 'list the directory',
  remove: 'remove the file',
} as const

/** Reaches the files of a sandbox by short commands that walk where the files lie: only bytes cross. */
export function worktreeFiles(
  sandbox: Sandbox,
  { deadlineMs, maxReadBytes }: { readonly deadlineMs: number; readonly maxReadBytes: number },
): LiveFiles {
  function ask<T>(
    { verb, path, words, ...options }: Question,
    use: (words: readonly string[], reader: ByteReader) => Promise<T>,
  ): Promise<T> {
    const argv = ['/usr/bin/perl', '-e', program, verb, path.toString('hex'), ...words.map(String)]
    let isRefused = false
    const output = outputOf(
      // The program sends no more than it is asked for, however much there is.
      () => start(sandbox, argv, { cwd: '/', deadlineMs, maxOutputBytes: Number.MAX_SAFE_INTEGER, ...options }),
      ({ code }, stderr) => {
        if (code === 0 || isRefused) return
        const details = { stderr: stderr.toString('utf8').slice(-2000) }
        throw new AppError('sandbox_failed', `Cannot ${actions[verb]}: exit code ${code}`, { details })
      },
    )
    return span('files', {}, async () => {
      try {
        const reader = new ByteReader(output)
        const verdict = await readVerdict(reader)
        if (verdict.isOk) return await use(verdict.words, reader)
        isRefused = true
        // Where a limit of the sandbox is the reason, the end of the command says which.
        await reader.peek()
        throw fileRefusal(actions[verb], path, verdict.words)
      } finally {
        await output.return()
      }
    })
  }

  async function discard(path: Buffer): Promise<void> {
    const { signal } = new AbortController()
    const question = { verb: 'remove', path, words: [0], signal, deadlineMs: discardDeadlineMs } as const
    const remove = (): Promise<void> => ask(question, async () => {})
    // A look at the disk that finds it too full ends what runs, this too; there is time before the next look.
    const again = (error: unknown): Promise<void> | undefined =>
      hasCode(error, 'disk_limit', 'inode_limit') ? remove() : undefined
    await remove()
      .catch(again)
      .catch(() => {
        // Mostly nothing is there; else the sandbox is ending, or no longer able to do anything.
      })
  }

  return {
    async read(path, { offset, length, signal }, use) {
      const words = [offset, length ?? Number.MAX_SAFE_INTEGER]
      return await ask(
        { verb: 'read', path: filePath('read', path), words, signal },
        ([size, isExecutable, from, count], reader) => {
          const part = {
            size: figure(size),
            isExecutable: isExecutable === '1',
            offset: figure(from),
            length: figure(count),
          }
          if (part.length > maxReadBytes)
            throw new AppError('output_limit', `Cannot ${actions.read}: the part has more than ${maxReadBytes} bytes`, {
              details: { size: part.size },
            })
          return use({ ...part, content: contentOf(reader, part.length) })
        },
      )
    },

    async write(path, content, { isExecutable, signal }) {
      const bytes = filePath('write', path)
      const passing = `.forkyard-write-${randomBytes(8).toString('hex')}`
      const words = [isExecutable === null ? 'keep' : isExecutable ? 'executable' : 'plain', passing]
      const question = { verb: 'write', path: bytes, words, signal, stdin: inPieces(content) } as const
      try {
        return await ask(question, async ([existed, bytes], reader) => {
          await reader.peek()
          return { existed: figure(existed) === 1, bytes: figure(bytes) }
        })
      } catch (error) {
        // A program that tells why cleans up; one that was ended cannot.
        if (!hasCode(error, 'path_blocked')) await discard(besides(bytes, passing))
        throw error
      }
    },

    async list(path, { limit, signal }) {
      const bytes = path === null ? Buffer.alloc(0) : checkedPath('list', path)
      return await ask({ verb: 'list', path: bytes, words: [limit], signal }, async ([truncated], reader) => {
        const entries: FileEntry[] = []
        for (let entry = await readEntry(reader); entry !== null; entry = await readEntry(reader)) entries.push(entry)
        return { entries, truncated: figure(truncated) === 1 }
      })
    },

    async remove(path, { recursive, signal }) {
      const question = {
        verb: 'remove',
        path: checkedPath('remove', path),
        words: [recursive ? 1 : 0],
        signal,
      } as const
      return await ask(question, async ([kind], reader) => {
        await reader.peek()
        return { kind: fileKind(kind) }
      })
    },
  }
}

function checkedPath(verb: Question['verb'], path: ExactText): Buffer {
  const problem = pathProblem(path)
  if (problem !== null) throw new AppError('path_invalid', `Cannot ${actions[verb]}: ${problem}`, { details: { path } })
  return pathBytes(path)
}

function filePath(verb: Question['verb'], path: ExactText): Buffer {
  if (exactBytes(path).at(-1) === 0x2f)
    throw new AppError('path_invalid', `Cannot ${actions[verb]}: it names a directory`, { details: { path } })
  return checkedPath(verb, path)
}

/** The path of another name in the same directory. */
function besides(path: Buffer, name: string): Buffer {
  return Buffer.concat([path.subarray(0, path.lastIndexOf(0x2f) + 1), Buffer.from(name)])
}

const maxPieceBytes = 1024 * 1024

/** Content in pieces, each after its length; one of no length says that it is whole. */
async function* inPieces(content: Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of content instanceof Uint8Array ? [content] : content) {
    for (let at = 0; at < chunk.length; at += maxPieceBytes) {
      const piece = chunk.subarray(at, at + maxPieceBytes)
      yield lengthOf(piece.length)
      yield piece
    }
  }
  yield lengthOf(0)
}

function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes)
  return length
}
