import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { AppError } from '../../core/errors.ts'
import type { Workspace } from '../../engine/contract.ts'
import { toExactText, type ExactText } from '../../git/bytes.ts'
import { callerOf, callerOptions } from '../caller.ts'
import type { Door, ServiceParts } from '../door.ts'
import { directoryListing, removedFile, valueOf, withExample, writtenFile } from '../schemas.ts'

const tags = ['files']
const route = '/v1/workspaces/:id/files/*'
const params = z.object({
  id: z.string(),
  path: z.string().meta({ description: 'Each byte that is not plain is encoded.', examples: ['README.md'] }),
})
const bytes = z.any()

/** The files of a workspace as bytes; a path that ends with a slash, or none, is a directory. */
export function fileRoutes(door: Door, { engine }: ServiceParts): void {
  const find = (request: FastifyRequest): Promise<Workspace> =>
    engine.workspace((request.params as { readonly id: string }).id, callerOf(request))

  const reading = {
    summary: 'Read a file, or list a directory.',
    tags,
    params,
    response: {
      200: {
        description: 'The bytes of a file, or the entries of a directory.',
        content: {
          'application/octet-stream': { schema: bytes },
          'application/json': { schema: valueOf(directoryListing) },
        },
      },
      206: { description: 'The bytes of its Range.', content: { 'application/octet-stream': { schema: bytes } } },
    },
  }
  door.get(route, { schema: reading }, async (request, reply) => {
    const { files } = await find(request)
    const { path, isDirectory } = pathOf(request)
    const options = callerOptions(request, reply)
    if (isDirectory) return { value: await files.list(path, { ...options, ...limitOf(request) }) }
    if (path === null) throw new AppError('path_invalid', 'Cannot use the path: it is empty')
    const range = rangeOf(request)
    const { content, ...part } = await files.stream(path, { ...options, ...range })
    void reply
      .type('application/octet-stream')
      .header('accept-ranges', 'bytes')
      .header('x-content-type-options', 'nosniff')
      .header('x-forkyard-executable', String(part.isExecutable))
      // What breaks off does not look complete.
      .header('content-length', String(part.length))
    const body = Readable.from(content, { objectMode: false })
    if (range === null) return reply.send(body)
    const last = part.offset + part.length - 1
    return reply.code(206).header('content-range', `bytes ${part.offset}-${last}/${part.size}`).send(body)
  })

  door.register(async (raw) => {
    // The bytes are passed on as they come, whatever their type is said to be.
    raw.removeAllContentTypeParsers()
    raw.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    raw.put(
      route,
      {
        bodyLimit: Number.MAX_SAFE_INTEGER,
        schema: {
          summary: 'Write a file whole.',
          tags,
          params,
          querystring: z.object({ executable: z.enum(['true', 'false']).optional() }),
          consumes: ['application/octet-stream'],
          body: withExample(bytes, 'hello\n'),
          response: { 200: valueOf(writtenFile), 201: valueOf(writtenFile) },
        },
      },
      async (request, reply) => {
        const { files } = await find(request)
        const { path, isDirectory } = pathOf(request)
        if (path === null || isDirectory) throw new AppError('path_invalid', 'Cannot use the path: it is a directory')
        const { executable } = request.query as { readonly executable?: string }
        const isExecutable = executable === undefined ? null : executable === 'true'
        const body = (request.body ?? Readable.from([])) as Readable
        const content = body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>
        try {
          const value = await files.write(path, content, { ...callerOptions(request, reply), isExecutable })
          return reply.code(value.existed ? 200 : 201).send({ value })
        } finally {
          // What a refused write leaves unread would stand before the answer, and before the connection's next request.
          body.removeAllListeners('readable').resume()
        }
      },
    )
  })

  const removal = {
    summary: 'Remove a file or a directory.',
    tags,
    params,
    querystring: z.object({ recursive: z.enum(['true', 'false']).optional() }),
    response: { 200: valueOf(removedFile) },
  }
  door.delete(route, { schema: removal }, async (request, reply) => {
    const { path } = pathOf(request)
    if (path === null) throw new AppError('path_invalid', 'Cannot use the path: it is the whole worktree')
    const { recursive } = request.query as { readonly recursive?: string }
    const { files } = await find(request)
    return { value: await files.remove(path, { ...callerOptions(request, reply), recursive: recursive === 'true' }) }
  })
}

/** The path as its bytes were sent: names need not be UTF-8. */
function pathOf({ params }: FastifyRequest): { path: ExactText | null; isDirectory: boolean } {
  const encoded = (params as { readonly '*': string })['*']
  if (/%(?![0-9a-f]{2})/i.test(encoded)) throw new AppError('path_invalid', 'Cannot use the path: it is not encoded')
  const text = encoded.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  const bytes = Buffer.from(text, 'latin1')
  const isDirectory = bytes.length === 0 || bytes.at(-1) === 0x2f
  const name = isDirectory ? bytes.subarray(0, -1) : bytes
  return { path: name.length === 0 ? null : toExactText(name), isDirectory }
}

/** How many entries of a directory are wanted. */
function limitOf({ query }: FastifyRequest): { readonly limit?: number } {
  const { limit } = query as { readonly limit?: unknown }
  if (limit === undefined) return {}
  if (typeof limit === 'string' && /^[1-9]\d{0,8}$/.test(limit)) return { limit: Number(limit) }
  throw new AppError('input_invalid', 'Cannot list the directory: limit must be a number from 1 on')
}

/** One range of bytes, from a beginning or before the end (RFC 9110, 14.1.2); for others the whole file is the answer. */
function rangeOf({ headers: { range = '' } }: FastifyRequest): { offset: number; length: number | null } | null {
  const [, last] = /^bytes=-([1-9]\d{0,14})$/.exec(range) ?? []
  if (last !== undefined) return { offset: -Number(last), length: null }
  const [, from, to] = /^bytes=(\d{1,15})-(\d{1,15})?$/.exec(range) ?? []
  if (from === undefined) return null
  const offset = Number(from)
  if (to !== undefined && Number(to) < offset) return null
  return { offset, length: to === undefined ? null : Number(to) - offset + 1 }
}
