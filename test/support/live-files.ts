import { buffer } from 'node:stream/consumers'
import type { ExactText } from '../../src/git/bytes.ts'
import type { Sandbox } from '../../src/sandbox/contract.ts'
import { worktreeFiles, type LiveFiles } from '../../src/workspace/worktree-files.ts'

const never = new AbortController().signal

/** A part of a file with its content at once. */
export interface WholePart {
  readonly size: number
  readonly isExecutable: boolean
  readonly offset: number
  readonly length: number
  readonly bytes: Buffer
}

/** The files of a sandbox, asked in few words. */
export interface ShortFiles {
  readonly files: LiveFiles
  readonly read: (path: ExactText, offset?: number, length?: number | null) => Promise<WholePart>
  readonly text: (path: ExactText) => Promise<string>
  readonly write: (
    path: ExactText,
    content: string | Uint8Array | AsyncIterable<Uint8Array>,
    isExecutable?: boolean | null,
  ) => ReturnType<LiveFiles['write']>
  readonly list: (path?: ExactText | null, limit?: number) => ReturnType<LiveFiles['list']>
  /** The names alone. */
  readonly names: (path?: ExactText | null) => Promise<readonly ExactText[]>
  readonly remove: (path: ExactText, recursive?: boolean) => ReturnType<LiveFiles['remove']>
}

export function shortFiles(sandbox: Sandbox, { deadlineMs = 20_000, maxReadBytes = 2 ** 30 } = {}): ShortFiles {
  const files = worktreeFiles(sandbox, { deadlineMs, maxReadBytes })
  const read: ShortFiles['read'] = (path, offset = 0, length = null) =>
    files.read(path, { offset, length, signal: never }, async ({ content, ...part }) => ({
      ...part,
      bytes: await buffer(content),
    }))
  const list: ShortFiles['list'] = (path = null, limit = 1000) => files.list(path, { limit, signal: never })
  return {
    files,
    read,
    async text(path) {
      return (await read(path)).bytes.toString()
    },
    write(path, content, isExecutable = null) {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content
      return files.write(path, bytes, { isExecutable, signal: never })
    },
    list,
    async names(path = null) {
      return (await list(path)).entries.map(({ name }) => name)
    },
    remove: (path, recursive = false) => files.remove(path, { recursive, signal: never }),
  }
}

/** A sandbox as on a kernel whose overlayfs has no files without a name: asked for one, it answers as for a directory. */
export function withoutNamelessFiles(sandbox: Sandbox): Sandbox {
  const flag = /^(my \$nameless\s+= )020000000 \| \$directory;$/m
  return {
    ...sandbox,
    exec(command) {
      const argv = command.argv.map((word) => word.replace(flag, '$10;'))
      if (command.argv[0] === '/usr/bin/perl' && argv.every((word, at) => word === command.argv[at]))
        throw new Error('The flag is not where it was')
      return sandbox.exec({ ...command, argv })
    },
  }
}
