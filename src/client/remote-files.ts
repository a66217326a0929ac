import { buffer } from 'node:stream/consumers'
import { AppError } from '../core/errors.ts'
import type { FilePlace, RequestOptions, WorkspaceFiles } from '../engine/contract.ts'
import { exactBytes, type ExactText } from '../git/bytes.ts'
import { pathBytes, pathProblem } from '../git/path.ts'
import type { ServiceAnswer } from './exchange.ts'
import type { Question, RemoteService } from './remote-service.ts'

/** The files of a workspace by their routes; `workspace` is the workspace's own path. */
export function remoteFiles(service: RemoteService, workspace: string): WorkspaceFiles {
  const at = (path: ExactText): string => `${workspace}/files/${encoded(pathBytes(checked(path)))}`
  const value = async <T>(question: Question): Promise<T> =>
    (await service.value<{ readonly value: T }>(question)).value

  return {
    async read(path, { offset = 0, length = null, ...options } = {}) {
      const headers = rangeOf(offset, length)
      const question: Question = { method: 'GET', path: at(named(path)), headers, repeats: 'freely', options }
      return service.ask(question, async (answer) => {
        const content = await buffer(answer.body)
        const place = placeOf(answer, content.length, length)
        return { ...place, content: content.subarray(0, place.length) }
      })
    },
    async stream(path, { offset = 0, length = null, ...options } = {}) {
      const leaving = new AbortController()
      const signal = options.signal === undefined ? leaving.signal : AbortSignal.any([options.signal, leaving.signal])
      const question: Question = {
        ...{ method: 'GET', path: at(named(path)), headers: rangeOf(offset, length), repeats: 'freely' },
        options: { ...options, signal },
      }
      return service.ask(question, async (answer) => {
        try {
          const place = placeOf(answer, Number(answer.headers['content-length']), length)
          return { ...place, content: taken(answer.body, place.length, leaving) }
        } catch (error) {
          leaving.abort(error)
          throw error
        }
      })
    },
    async write(path, content, { isExecutable = null, ...options } = {}) {
      const query = isExecutable === null ? '' : `?executable=${isExecutable}`
      return await value({ method: 'PUT', path: at(named(path)) + query, content, repeats: 'never', options })
    },
    async list(path, { limit, ...options }: RequestOptions & { limit?: number } = {}) {
      const directory = path === null ? `${workspace}/files/` : `${at(path)}/`
      const query = limit === undefined ? '' : `?limit=${limit}`
      return await value({ method: 'GET', path: directory + query, repeats: 'freely', options })
    },
    async remove(path, { recursive = false, ...options } = {}) {
      const query = recursive ? '?recursive=true' : ''
      return await value({ method: 'DELETE', path: at(path) + query, repeats: 'never', options })
    },
  }
}

/** Checked here as well: what is no path inside the repository could be another route. */
function checked(path: ExactText): ExactText {
  const problem = pathProblem(path)
  if (problem !== null) throw new AppError('path_invalid', `Cannot use the path: ${problem}`, { details: { path } })
  return path
}

function named(path: ExactText): ExactText {
  if (exactBytes(path).at(-1) !== 0x2f) return path
  throw new AppError('path_invalid', 'Cannot use the path: it names a directory', { details: { path } })
}

/** Every byte but those that stand for themselves, so that nobody on the way has anything to interpret. */
function encoded(path: Buffer): string {
  return path
    .toString('latin1')
    .replace(/[^\w.~/-]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`)
}

/** Ranges have no form for "nothing", nor for a part that ends before the end of a file but is counted from there. */
function rangeOf(offset: number, length: number | null): Record<string, string> {
  if (offset === 0 && length === null) return {}
  if (offset < 0) return { range: `bytes=${offset}` }
  return { range: `bytes=${offset}-${length === null ? '' : offset + Math.max(length, 1) - 1}` }
}

/** Where a part of `sent` bytes lies; a range has no form for nothing, so more may come than `length`. */
function placeOf({ status, headers }: ServiceAnswer, sent: number, length: number | null): FilePlace {
  const isExecutable = headers['x-forkyard-executable'] === 'true'
  const [, from, size] = /^bytes (\d+)--?\d+\/(\d+)$/.exec(headers['content-range'] ?? '') ?? []
  const isPart = status === 206
  if (!Number.isSafeInteger(sent) || (isPart && (from === undefined || size === undefined)))
    throw new AppError('service_failed', 'Cannot use the service: it does not say which part of the file it sent')
  return {
    size: isPart ? Number(size) : sent,
    offset: isPart ? Number(from) : 0,
    length: Math.min(sent, length ?? sent),
    isExecutable,
  }
}

/** The first `length` bytes of a body as they are taken; who leaves breaks the answer off. */
function taken(
  body: AsyncIterable<Uint8Array>,
  length: number,
  leaving: AbortController,
): AsyncIterableIterator<Uint8Array> {
  async function* read(): AsyncGenerator<Uint8Array, undefined, undefined> {
    let left = length
    for await (const chunk of body) {
      if (left > 0) yield chunk.subarray(0, left)
      left -= chunk.length
    }
    return undefined
  }

  const chunks = read()
  return {
    next: () => chunks.next(),
    async return() {
      // Nobody may have begun to read, and the service would go on sending.
      leaving.abort(new AppError('canceled', 'Cannot finish: the reader left'))
      await chunks.return(undefined)
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
