import type { Agent, ClientRequest, IncomingMessage } from 'node:http'
import { request as requestSecure } from 'node:https'
import { requestPlain } from './node-http.ts'
import { isIP, type LookupFunction } from 'node:net'
import { asCanceled } from '../../core/deadline.ts'
import { AppError } from '../../core/errors.ts'
import { resolveAddress, type Lookup } from './address.ts'
import { connectionFailure, isConnectionReset } from './http-failure.ts'
import { sendChunks } from './send-chunks.ts'
import { watchSilence } from './silence.ts'

/** How patient and how generous we are with a server. */
export interface HttpLimits {
  /** From the request to the head of the answer, connecting included, or until it takes more of the request. */
  readonly firstByteMs: number
  /** Between two pieces of the body. */
  readonly idleMs: number
  /** For the whole exchange, so that a trickle ends too; Infinity for none. */
  readonly totalMs: number
  readonly maxHeaderBytes: number
}

/** A body that is made while it is sent and can therefore be sent only once. */
export interface StreamedBody {
  readonly chunks: AsyncIterable<Uint8Array>
  /** `null` where only its end will tell. */
  readonly length: number | null
}

export interface HttpExchange {
  readonly url: URL
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | StreamedBody | null
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
  const { url, limits, signal, body } = call
  if (signal.aborted) throw asCanceled(signal.reason)
  const isWhole = body === null || body instanceof Uint8Array
  const request = newRequest(call)
  let ended: unknown = null
  let hasHead = false
  const give = (error: unknown) => {
    ended ??= error
    // Once there is an answer its reader is told; an error would hit a socket that may listen to none any more.
    request.destroy(!hasHead && error instanceof Error ? error : undefined)
  }
  const timeOut = (fact: string) => give(new AppError('remote_timeout', `Cannot read from ${url.hostname}: ${fact}`))
  const onAbort = () => give(asCanceled(signal.reason))
  signal.addEventListener('abort', onAbort, { once: true })
  const silence = watchSilence({
    limitMs: () => (hasHead ? limits.idleMs : limits.firstByteMs),
    onSilence: (ms) => timeOut(hasHead ? `it fell silent for ${ms} ms` : `no answer for ${ms} ms`),
  })
  const total =
    limits.totalMs === Infinity
      ? undefined
      : setTimeout(timeOut, limits.totalMs, `the answer takes longer than ${limits.totalMs} ms`)

  async function send(): Promise<void> {
    const pace = { onWait: () => silence.onRoom(true), onTaken: () => silence.onRoom(false) }
    try {
      if (isWhole) request.end(body ?? undefined)
      else await sendChunks(request, body.chunks, pace)
      silence.onSent()
    } catch (error) {
      // What its source failed with is what the caller has to know; the server sees a request broken off.
      give(error)
    }
  }

  async function* read(response: IncomingMessage): AsyncGenerator<Uint8Array, void, void> {
    try {
      silence.onAnswer(true)
      for await (const chunk of response) {
        silence.onAnswer(false)
        yield chunk
        silence.onAnswer(true)
      }
    } catch (cause) {
      // Node reports a connection we broke ourselves as reset by the other side.
      throw ended ?? connectionFailure(cause, url.hostname)
    } finally {
      silence.onAnswer(false)
    }
  }

  silence.onAnswer(true)
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', (response) => {
      hasHead = true
      resolve(response)
    })
    // Errors after the answer's head reach the reader of its body.
    request.on('error', reject)
  })
  const sending = send()
  try {
    const response = await answered.catch((cause: unknown) => {
      if (ended !== null) throw ended
      const mayBeRepeated = isWhole && request.reusedSocket && isConnectionReset(cause)
      throw mayBeRepeated ? new StaleConnection() : connectionFailure(cause, url.hostname)
    })
    silence.onAnswer(false)
    const result = await use({ status: response.statusCode ?? 0, headers: response.headers, body: read(response) })
    // What is left unread may be endless: only a finished answer gives its connection back.
    if (!response.complete) response.destroy()
    // An answer may come before its request has been sent, and then nobody wants the rest.
    if (!isWhole) request.destroy()
    return result
  } catch (error) {
    request.destroy()
    throw error
  } finally {
    await sending
    silence.end()
    clearTimeout(total)
    signal.removeEventListener('abort', onAbort)
  }
}

function newRequest(call: HttpExchange): ClientRequest {
  const { body, limits, url } = call
  const send = url.protocol === 'https:' ? requestSecure : requestPlain
  return send(url, {
    method: call.method,
    agent: call.agent,
    lookup: judgedLookup(call),
    maxHeaderSize: limits.maxHeaderBytes,
    headers: {
      ...call.headers,
      'accept-encoding': 'identity',
      'user-agent': 'git/2.0 (forkyard)',
      ...(body === null || body.length === null ? {} : { 'content-length': `${body.length}` }),
    },
  })
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
