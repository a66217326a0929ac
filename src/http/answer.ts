import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Answer, Receipt, RequestOptions } from '../engine/contract.ts'
import { answerRecords } from '../engine/answer-records.ts'
import { callerOptions } from './caller.ts'
import { sendRecords, wantsRecords } from './records.ts'
import type { Repetitions, Sent } from './repetitions.ts'

/** An answer with what HTTP says beside it. */
export interface Answering extends Answer<unknown> {
  readonly status?: number
  readonly location?: string
}

/** Sends the same object as the library's answer; where the time went is told to browsers and proxies as well. */
export function sendAnswer(reply: FastifyReply, answering: Answering): FastifyReply {
  return send(reply, sentOf(answering))
}

/** What answers are sent with. */
export interface Sending {
  readonly repetitions: Repetitions
  /** Time after which a stream is ended whose client takes nothing. */
  readonly silenceMs: number
}

/** Does what changes something once for equal requests with the same Idempotency-Key, and sends its answer to each; as records where that is asked for. */
export async function sendOnce(
  { repetitions, silenceMs }: Sending,
  request: FastifyRequest,
  reply: FastifyReply,
  work: (options: RequestOptions) => Promise<Answering>,
): Promise<FastifyReply> {
  const options = callerOptions(request, reply)
  const once = (more: RequestOptions): Promise<Sent> =>
    repetitions.once(request, async (signal) => sentOf(await work({ ...more, signal })), { ...options, ...more })
  const form = wantsRecords(request)
  if (form === null) return send(reply, await once(options))
  const answer = async (more: RequestOptions): Promise<Answer<unknown>> =>
    JSON.parse((await once(more)).body) as Answer<unknown>
  return sendRecords(reply, answerRecords(options, { silenceMs }, answer), { form, silenceMs })
}

/** Sends an answer that never changes; who has it already is told only that. */
export function sendFixed(request: FastifyRequest, reply: FastifyReply, answering: Answering): FastifyReply {
  // Weak: the same value may come with another receipt.
  const etag = `W/"${createHash('sha256').update(JSON.stringify(answering.value)).digest('base64url')}"`
  void reply.header('etag', etag).header('cache-control', 'private, no-cache')
  const isKnown = (request.headers['if-none-match'] ?? '').split(/\s*,\s*/).includes(etag)
  return isKnown ? reply.code(304).send() : sendAnswer(reply, answering)
}

function sentOf({ value, receipt, status = 200, location }: Answering): Sent {
  const headers = { 'server-timing': serverTiming(receipt), ...(location === undefined ? {} : { location }) }
  return { status, headers, body: JSON.stringify({ value, receipt }) }
}

function send(reply: FastifyReply, { status, headers, body }: Sent): FastifyReply {
  return reply.code(status).headers(headers).type('application/json').send(body)
}

/** Phases as a Server-Timing header (https://www.w3.org/TR/server-timing/). */
function serverTiming({ phases }: Receipt): string {
  return phases.map(({ name, ms }) => `${name};dur=${ms.toFixed(1)}`).join(', ')
}
