import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { request as requestSecure } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { asCanceled } from '../core/deadline.ts'
import type { AppError } from '../core/errors.ts'
import { requestPlain } from '../git/remote/node-http.ts'
import { connectionFailure } from './connection-failure.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

export interface Exchange {
  readonly url: URL
  /** As it is sent: nothing in it is resolved or encoded anew. */
  readonly path: string
  readonly method: Method
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | null
  readonly agent: Agent
  readonly signal: AbortSignal
}

export interface ServiceAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Must be read to its end or left by `return`; what breaks off fails as an AppError. */
  readonly body: AsyncIterable<Buffer>
}

/**
 * Sends one request and gives back its answer as soon as that begins. Node's own client and not `fetch`: that gives up
 * after five minutes of waiting, resolves dots in paths, and costs 30 ms of every start.
 */
export async function exchange(call: Exchange): Promise<ServiceAnswer> {
  const { signal } = call
  if (signal.aborted) throw asCanceled(signal.reason)
  const { promise: answered, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const failure = (error: unknown): AppError => (signal.aborted ? asCanceled(signal.reason) : connectionFailure(error))
  try {
    const request = started(call)
    let hasHead = false
    // Once there is an answer its reader is told; an error would hit a socket that may listen to none any more.
    const leave = (): void => void request.destroy(hasHead ? undefined : asCanceled(signal.reason))
    signal.addEventListener('abort', leave, { once: true })
    request
      .once('response', (response) => {
        hasHead = true
        resolve(response)
      })
      .once('close', () => signal.removeEventListener('abort', leave))
      .on('error', reject)
    const sent = send(request, call.body)
    // Only the caller's own source fails as what it is; a socket that breaks is told by the request.
    sent.catch(reject)
    const response = await answered
    return { status: response.statusCode ?? 0, headers: response.headers, body: bodyOf(request, response) }
  } catch (error) {
    throw error instanceof SourceFailure ? error.cause : failure(error)
  }

  async function* bodyOf(request: ClientRequest, response: IncomingMessage): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of response) yield chunk as Buffer
    } catch (error) {
      throw failure(error)
    } finally {
      // Who has the whole answer needs no more of the question.
      if (!request.writableFinished) request.destroy()
    }
  }
}

/** What the caller's own source threw, to be told apart from a broken connection. */
class SourceFailure extends Error {}

function started({ url, path, method, headers, agent, body }: Exchange): ClientRequest {
  const length = body instanceof Uint8Array ? { 'content-length': String(body.length) } : {}
  const open = url.protocol === 'https:' ? requestSecure : requestPlain
  const { hostname, port } = url
  return open({
    // A literal address of IPv6 stands in brackets in URLs only.
    hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    path,
    method,
    headers: { ...headers, ...length },
    agent,
  })
}

async function send(request: ClientRequest, body: Exchange['body']): Promise<void> {
  if (body === null || body instanceof Uint8Array) return void request.end(body ?? undefined)
  let failed: SourceFailure | null = null
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      yield* body as AsyncIterable<Uint8Array>
    } catch (cause) {
      failed = new SourceFailure('the source of the content failed', { cause })
      throw failed
    }
  }
  await pipeline(Readable.from(source()), request).catch((error: unknown) => {
    throw failed ?? error
  })
}
