import type { FastifyReply, FastifyRequest } from 'fastify'
import { capturedExecution } from '../engine/captured-execution.ts'
import type { Execution } from '../engine/contract.ts'
import { sendAnswer, type Sending } from './answer.ts'
import { execRecords } from './exec-records.ts'
import { sendRecords, wantsRecords } from './records.ts'

/** Starts a program and sends what it says, as it goes or in one piece, as the client asks for it. */
export async function sendExecution(
  sending: Sending,
  request: FastifyRequest,
  reply: FastifyReply,
  start: (options: { signal: AbortSignal }) => Promise<Execution>,
): Promise<FastifyReply> {
  const form = wantsRecords(request)
  if (form !== null) return sendRecords(reply, execRecords(start, sending), { form, ...sending })
  const { signal } = new AbortController()
  return sendAnswer(reply, await capturedExecution(await start({ signal })))
}
