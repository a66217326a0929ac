import { buffer } from 'node:stream/consumers'
import { headedStream } from '../core/headed-stream.ts'
import type { ExactText } from '../git/bytes.ts'
import { worktreeFiles, type LiveFiles } from '../workspace/worktree-files.ts'
import type { FilePlace, FileStream, RequestOptions, WorkspaceFiles } from './contract.ts'
import type { Lease } from './leases.ts'
import type { Parts } from './parts.ts'
import { bracketInWorkspace } from './workspace-scope.ts'

/** The files of a workspace; reads run together, what changes something runs alone. */
export function filesOf(parts: Parts, lease: () => Lease): WorkspaceFiles {
  const { maxOutputBytes: maxReadBytes, streamIdleMs: silenceMs } = parts.settings

  async function use<T>(
    kind: 'read' | 'write',
    options: RequestOptions,
    work: (files: LiveFiles, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const held = lease()
    const frame = { operation: 'files', effect: kind, deadlineMs: parts.settings.deadlineMs }
    return bracketInWorkspace(parts, held, frame, options, (scope) => {
      const admitted = (): Promise<T> =>
        work(worktreeFiles(held.copy.sandbox, { ...scope, maxReadBytes }), scope.signal)
      return held.lock.run(kind, () => parts.admission.run(options.caller, admitted, scope), scope)
    })
  }

  async function stream(
    path: ExactText,
    { offset = 0, length = null, ...options }: NonNullable<Parameters<WorkspaceFiles['stream']>[1]> = {},
  ): Promise<FileStream> {
    const { head, content } = await headedStream<FilePlace>(
      (give, leaving) => {
        const signal = options.signal === undefined ? leaving : AbortSignal.any([options.signal, leaving])
        return use('read', { ...options, signal }, (files, reading) =>
          files.read(path, { offset, length, signal: reading }, async ({ content: chunks, ...place }) => {
            await give.head(place)
            for await (const chunk of chunks) await give.chunk(chunk)
          }),
        )
      },
      { silenceMs },
    )
    return { ...head, content }
  }

  return {
    stream,
    read: (path, { offset = 0, length = null, ...options } = {}) =>
      use('read', options, (files, signal) =>
        files.read(path, { offset, length, signal }, async ({ content, ...part }) => ({
          ...part,
          content: await buffer(content),
        })),
      ),
    write: (path, content, { isExecutable = null, ...options } = {}) =>
      use('write', options, (files, signal) => files.write(path, content, { isExecutable, signal })),
    list: (path, { limit = 1000, ...options } = {}) =>
      use('read', options, (files, signal) => files.list(path, { limit, signal })),
    remove: (path, { recursive = false, ...options } = {}) =>
      use('write', options, (files, signal) => files.remove(path, { recursive, signal })),
  }
}
