import type { FastifyReply } from 'fastify'
import type { Answer, Receipt } from '../engine/contract.ts'

/** Sends the same object as the library's answer; where the time went is told to browsers and proxies as well. */
export function sendAnswer(reply: FastifyReply, { value, receipt }: Answer<unknown>, status = 200): FastifyReply {
  return reply.code(status).header('server-timing', serverTiming(receipt)).send({ value, receipt })
}

/** Phases as a Server-Timing header (https://www.w3.org/TR/server-timing/). */
function serverTiming({ phases }: Receipt): string {
  return phases.map(({ name, ms }) => `${name};dur=${ms.toFixed(1)}`).join(', ')
}
