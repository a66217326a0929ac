import { buffer } from 'node:stream/consumers'
import { AppError } from '../core/errors.ts'
import type { FilePart, RequestOptions, WorkspaceFiles } from '../engine/contract.ts'
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
      const part = await service.ask(question, filePart)
      if (length === null || part.length <= length) return part
      return { ...part, content: part.content.subarray(0, length), length }
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

async function filePart({ status, headers, body }: ServiceAnswer): Promise<FilePart> {
  const content = await buffer(body)
  const isExecutable = headers['x-forkyard-executable'] === 'true'
  const whole = { content, size: content.length, offset: 0, length: content.length, isExecutable }
  if (status !== 206) return whole
  const [, from, size] = /^bytes (\d+)--?\d+\/(\d+)$/.exec(headers['content-range'] ?? '') ?? []
  if (from === undefined || size === undefined)
    throw new AppError('service_failed', 'Cannot use the service: it does not say which part of the file it sent')
  return { ...whole, offset: Number(from), size: Number(size) }
}
