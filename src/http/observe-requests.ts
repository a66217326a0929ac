import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../core/errors.ts'
import { onSpan } from '../core/spans.ts'
import type { NotableOperation } from '../metrics/recent.ts'
import type { Door, ServiceParts } from './door.ts'
import { notesOf, noteSpan, withNotes } from './request-notes.ts'

/** Counts and logs every request when its connection is done with it, however it ended. */
export function observeRequests(door: Door, { metrics: { instruments }, log }: ServiceParts): void {
  door.addHook('onRequest', (request, reply, done) => {
    instruments.change('httpUnderWay', 1)
    reply.raw.once('close', () => {
      instruments.change('httpUnderWay', -1)
      const line = lineOf(request, reply)
      instruments.add('httpRequests', {
        method: request.method,
        route: line.route,
        status: `${String(line.status)[0]}xx`,
      })
      instruments.observe('httpSeconds', { route: line.route }, line.ms / 1000)
      log[levelOf(line)](line, 'request')
    })
    withNotes(request, done)
  })
  door.addHook('onSend', (_request, reply, payload, done) => {
    if (isStream(reply)) {
      instruments.change('httpStreams', 1)
      reply.raw.once('close', () => instruments.change('httpStreams', -1))
    }
    done(null, payload)
  })
  const stop = onSpan(noteSpan)
  door.addHook('onClose', async () => stop())
}

type Line = ReturnType<typeof lineOf>

/** What one request is logged with; neither its address nor its headers, which may hold anything. */
function lineOf(request: FastifyRequest, reply: FastifyReply) {
  const { startedAt, operation, tier, notable, error } = notesOf(request)
  const isWhole = reply.raw.writableFinished
  return {
    correlationId: reply.getHeader('x-correlation-id'),
    method: request.method,
    route: templateOf(request),
    // As other servers say that the client went before there was an answer.
    status: reply.raw.headersSent ? reply.raw.statusCode : 499,
    ms: Math.round((performance.now() - startedAt) * 10) / 10,
    tenant: request.tenant?.tenant,
    operation,
    tier,
    ...(isWhole ? {} : { aborted: true }),
    ...(error instanceof AppError ? { code: error.code } : {}),
    ...(notable === undefined ? {} : { details: detailsOf(notable) }),
    // A defect is only ever mended by who sees where it happened.
    ...(error === undefined || error instanceof AppError ? {} : { err: error }),
  }
}

/** What the line does not say itself. */
function detailsOf({ why, repo, problem, phases, git, stderr }: NotableOperation) {
  return { why, repo, problem, phases, git, stderr }
}

/** The route as it was declared, operations under one name: they are told apart by metrics of their own. */
function templateOf({ routeOptions: { url } }: FastifyRequest): string {
  if (url === undefined) return 'none'
  return url
    .replace(/\/(operations|explain)\/(?!recent$)[^/]+$/, '/$1/{name}')
    .replace(/:(\w+)/g, '{$1}')
    .replace('*', '{path}')
}

function levelOf({ route, status }: Pick<Line, 'route' | 'status'>): 'error' | 'info' | 'debug' {
  if (status >= 500) return 'error'
  return ['/healthz', '/readyz', '/metrics'].includes(route) ? 'debug' : 'info'
}

function isStream(reply: FastifyReply): boolean {
  return /^(?:application\/x-ndjson|text\/event-stream)/.test(String(reply.getHeader('content-type')))
}
