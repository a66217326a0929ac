import type { FastifyReply, FastifyRequest } from 'fastify'
import { capturedExecution } from '../engine/captured-execution.ts'
import type { Execution } from '../engine/contract.ts'
import { sendAnswer } from './answer.ts'
import { execRecords } from './exec-records.ts'
import { sendRecords, wantsRecords } from './records.ts'

/** Sends what a program says, as it goes or in one piece, as the client asks for it. */
export async function sendExecution(
  request: FastifyRequest,
  reply: FastifyReply,
  execution: Execution,
): Promise<FastifyReply> {
  const form = wantsRecords(request)
  if (form !== null) return sendRecords(reply, execRecords(execution), form)
  return sendAnswer(reply, await capturedExecution(execution))
}
