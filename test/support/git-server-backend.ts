import { spawn } from 'node:child_process'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { Fault } from './git-server-faults.ts'
import { cutAfter } from './git-server-wire.ts'

export interface BackendCall {
  readonly root: string
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The request's body, inflated. */
  readonly body: AsyncIterable<Buffer>
  readonly fault: Fault | null
  readonly command: string | null
  readonly config: Readonly<Record<string, string>>
  /** Ways to end what runs, for the server's close. */
  readonly children: Set<() => void>
}

/** Lets `git http-backend` answer one request; bodies are streamed both ways. */
export async function runBackend(call: BackendCall): Promise<void> {
  const { request, response, fault, children } = call
  const { pathname, searchParams, search } = new URL(request.url ?? '/', 'http://server')
  const protocol = fault?.kind === 'v0' ? undefined : request.headers['git-protocol']?.toString()
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: '/usr/bin:/bin',
      HOME: '/nonexistent',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_PROJECT_ROOT: call.root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      REMOTE_USER: 'tester',
      REMOTE_ADDR: '127.0.0.1',
      ...(protocol === undefined ? {} : { GIT_PROTOCOL: protocol }),
      ...configEnvironment(call.config),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const kill = () => void child.kill('SIGKILL')
  children.add(kill)
  child.on('close', () => children.delete(kill))
  response.on('close', kill)
  // A backend that answers early closes its input: its answer tells, the broken pipe does not.
  pipeline(call.body, child.stdin).catch(() => {})
  await sendCgi(child.stdout, response, {
    cutBytes: isCut(fault, call.command) ? fault.afterBytes : null,
    hasBundleUri: fault?.kind === 'bundle-uri' && searchParams.has('service'),
  })
}

function isCut(fault: Fault | null, command: string | null): fault is Fault & { kind: 'cut-pack' | 'cut-report' } {
  return (fault?.kind === 'cut-pack' && command === 'fetch') || (fault?.kind === 'cut-report' && command === 'push')
}

/** The first bytes of a request body, inflated, and a stream that still has all of them. */
export async function peek(request: IncomingMessage): Promise<{ head: Buffer; stream: AsyncIterable<Buffer> }> {
  const source: Readable = request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request
  const chunks: AsyncIterator<Buffer> = source[Symbol.asyncIterator]()
  const first = await chunks.next()
  async function* stream() {
    if (first.done) return
    yield first.value
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value
  }
  return { head: first.done ? Buffer.alloc(0) : first.value, stream: stream() }
}

async function sendCgi(
  output: Readable,
  response: ServerResponse,
  { cutBytes, hasBundleUri }: { readonly cutBytes: number | null; readonly hasBundleUri: boolean },
): Promise<void> {
  const chunks: AsyncIterator<Buffer> = output[Symbol.asyncIterator]()
  let head: Buffer = Buffer.alloc(0)
  while (!head.includes('\r\n\r\n')) {
    const next = await chunks.next()
    if (next.done) break
    head = Buffer.concat([head, next.value])
  }
  const end = head.indexOf('\r\n\r\n')
  if (end < 0) {
    response.writeHead(500).end()
    return
  }
  const lines = head.subarray(0, end).toString('latin1').split('\r\n')
  const fields = lines.map((line) => line.split(': ', 2) as [string, string])
  const status = Number.parseInt(fields.find(([name]) => name === 'Status')?.[1] ?? '200', 10)
  response.writeHead(status, fields.filter(([name]) => name !== 'Status').flat())
  async function* body() {
    const first = head.subarray(end + 4)
    if (!hasBundleUri) {
      yield first
      for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value
      return
    }
    const parts = [first]
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) parts.push(next.value)
    // The closing flush makes way for one more capability.
    yield Buffer.concat([Buffer.concat(parts).subarray(0, -4), Buffer.from('000fbundle-uri\n0000')])
  }
  await pipeline(cutBytes === null ? body() : cutAfter(body(), cutBytes, response), response)
}

function configEnvironment(config: Readonly<Record<string, string>>): Record<string, string> {
  const pairs = Object.entries(config).flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ])
  return { ...Object.fromEntries(pairs), GIT_CONFIG_COUNT: `${Object.keys(config).length}` }
}
