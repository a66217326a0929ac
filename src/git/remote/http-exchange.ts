import type { Agent, IncomingMessage } from 'node:http'
import { request as requestSecure } from 'node:https'
import { requestPlain } from './node-http.ts'
import { isIP, type LookupFunction } from 'node:net'
import { AppError } from '../../core/errors.ts'
import { resolveAddress, type Lookup } from './address.ts'
import { connectionFailure, isConnectionReset } from './http-failure.ts'

/** How patient and how generous we are with a server. */
export interface HttpLimits {
  /** From the request to the head of the answer, connecting included. */
  readonly firstByteMs: number
  /** Between two pieces of the body. */
  readonly idleMs: number
  /** For the whole exchange, so that a trickle ends too; Infinity for none. */
  readonly totalMs: number
  readonly maxHeaderBytes: number
}

export interface HttpExchange {
  readonly url: URL
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | null
  readonly agent: Agent
  readonly lookup: Lookup | undefined
  /** Whether the host may be a private address. */
  readonly isAllowed: boolean
  readonly limits: HttpLimits
  readonly signal: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** Must be read to its end or left by `return`; fails as an AppError. */
  readonly body: AsyncIterable<Uint8Array>
}

/** Sends one request to a judged address and hands the answer to `use`; nothing of it is open afterwards. */
export async function exchange<T>(call: HttpExchange, use: (answer: HttpAnswer) => Promise<T>): Promise<T> {
  const host = call.url.hostname
  // Node connects to literal addresses without a look-up.
  if (isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0) await resolveAddress(host, { isAllowed: call.isAllowed })
  try {
    return await exchangeOnce(call, use)
  } catch (error) {
    if (!(error instanceof StaleConnection)) throw error
    return await exchangeOnce(call, use)
  }
}

/** A kept-alive connection had been closed by the server: only another request can tell what it would have said. */
class StaleConnection extends Error {}

async function exchangeOnce<T>(call: HttpExchange, use: (answer: HttpAnswer) => Promise<T>): Promise<T> {
  const { url, limits, signal } = call
  if (signal.aborted) throw canceled(signal.reason)
  const send = url.protocol === 'https:' ? requestSecure : requestPlain
  const request = send(url, {
    method: call.method,
    agent: call.agent,
    lookup: judgedLookup(call),
    maxHeaderSize: limits.maxHeaderBytes,
    headers: {
      ...call.headers,
      'accept-encoding': 'identity',
      'user-agent': 'git/2.0 (forkyard)',
      ...(call.body === null ? {} : { 'content-length': `${call.body.length}` }),
    },
  })
  let ended: AppError | null = null
  const give = (error: AppError) => {
    ended ??= error
    request.destroy(error)
  }
  const onAbort = () => give(canceled(signal.reason))
  signal.addEventListener('abort', onAbort, { once: true })
  const firstByte = deadline(limits.firstByteMs, `no answer for ${limits.firstByteMs} ms`)
  const total = deadline(limits.totalMs, `the answer takes longer than ${limits.totalMs} ms`)

  function deadline(ms: number, fact: string): NodeJS.Timeout | undefined {
    if (ms === Infinity) return undefined
    return setTimeout(() => give(new AppError('remote_timeout', `Cannot read from ${url.hostname}: ${fact}`)), ms)
  }

  async function* body(response: IncomingMessage): AsyncGenerator<Uint8Array, void, void> {
    let idle = deadline(limits.idleMs, `it fell silent for ${limits.idleMs} ms`)
    try {
      for await (const chunk of response) {
        clearTimeout(idle)
        yield chunk
        idle = deadline(limits.idleMs, `it fell silent for ${limits.idleMs} ms`)
      }
    } catch (cause) {
      // Node reports a connection we broke ourselves as reset by the other side.
      throw ended ?? connectionFailure(cause, url.hostname)
    } finally {
      clearTimeout(idle)
    }
  }

  try {
    request.end(call.body ?? undefined)
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve)
      // Errors after the answer's head reach the reader of its body.
      request.on('error', reject)
    }).catch((cause: unknown) => {
      if (ended !== null) throw ended
      if (request.reusedSocket && isConnectionReset(cause)) throw new StaleConnection()
      throw connectionFailure(cause, url.hostname)
    })
    clearTimeout(firstByte)
    const result = await use({ status: response.statusCode ?? 0, headers: response.headers, body: body(response) })
    // What is left unread may be endless: only a finished answer gives its connection back.
    if (!response.complete) response.destroy()
    return result
  } catch (error) {
    request.destroy()
    throw error
  } finally {
    clearTimeout(firstByte)
    clearTimeout(total)
    signal.removeEventListener('abort', onAbort)
  }
}

/** Node connects to exactly the address this returns, so what was judged is what is reached. */
function judgedLookup({ lookup, isAllowed }: HttpExchange): LookupFunction {
  return (host, options, callback) => {
    resolveAddress(host, { lookup, isAllowed }).then(
      ({ address, family }) => (options.all ? callback(null, [{ address, family }]) : callback(null, address, family)),
      (error: NodeJS.ErrnoException) => callback(error, '', 0),
    )
  }
}

function canceled(reason: unknown): AppError {
  return reason instanceof AppError
    ? reason
    : new AppError('canceled', 'Cannot finish: the caller gave up', { cause: reason })
}
