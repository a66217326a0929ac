import type { FastifyError, FastifyReply } from 'fastify'
import { AppError, toProblem, type Problem } from '../core/errors.ts'

/** How long a caller should wait where nothing tells when it will be better. */
const RETRY_AFTER_SECONDS = 1

/** Answers with problem details (RFC 9457); what fastify itself refuses gets a code of ours. */
export function sendProblem(reply: FastifyReply, error: unknown): FastifyReply {
  const problem = toProblem(asAppError(error))
  if (problem.retry === 'later') void reply.header('retry-after', String(retryAfterSeconds(problem)))
  if (problem.code === 'key_required') void reply.header('www-authenticate', 'Bearer')
  return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem))
}

/** What is answered where nothing is served. */
export function routeUnknown(): AppError {
  return new AppError('route_unknown', 'Cannot serve the request: there is no such route')
}

/** In whole seconds, as the header has them (RFC 9110, 10.2.3). */
function retryAfterSeconds({ details: { retryAfterMs } }: Problem): number {
  return typeof retryAfterMs === 'number' ? Math.max(1, Math.ceil(retryAfterMs / 1000)) : RETRY_AFTER_SECONDS
}

function asAppError(error: unknown): unknown {
  if (error instanceof AppError) return error
  const { statusCode, code } = error as Partial<FastifyError>
  if (statusCode === 413) return new AppError('body_too_large', 'Cannot take the request: its body is too large')
  if (statusCode === 415)
    return new AppError('media_type_unsupported', 'Cannot take the request: its content type is not understood')
  const isTheirs = statusCode !== undefined && statusCode >= 400 && statusCode < 500
  if (isTheirs) return new AppError('input_invalid', `Cannot understand the request: ${code ?? 'it is malformed'}`)
  return error
}
