import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../core/errors.ts'
import type { CallerOptions, RequestOptions } from '../engine/contract.ts'

/** What a request brings beside its body: who asks, its end when the client goes, and a credential for the upstream. */
export function callerOptions(request: FastifyRequest, reply: FastifyReply): RequestOptions & { signal: AbortSignal } {
  const gitAuthorization = request.headers['git-authorization']
  if (Array.isArray(gitAuthorization))
    throw new AppError('input_invalid', 'Cannot use the request: Git-Authorization is given twice')
  return {
    ...callerOf(request),
    signal: whileConnected(reply),
    ...(gitAuthorization === undefined ? {} : { gitAuthorization }),
  }
}

/** Who asks. */
export function callerOf({ tenant }: FastifyRequest): CallerOptions {
  return tenant === null ? {} : { caller: tenant }
}

/** Aborts when the client goes before it has the whole answer. */
function whileConnected({ raw }: FastifyReply): AbortSignal {
  const leaving = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) leaving.abort(new AppError('canceled', 'Cannot finish: the client went away'))
  })
  return leaving.signal
}
