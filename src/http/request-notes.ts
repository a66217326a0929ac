import { AsyncLocalStorage } from 'node:async_hooks'
import type { FastifyRequest } from 'fastify'
import type { Span } from '../core/spans.ts'
import type { NotableOperation } from '../metrics/recent.ts'

/** What becomes known of a request while it is served, for its line in the log. */
export interface RequestNotes {
  readonly startedAt: number
  operation?: string
  tier?: string
  /** What the error handler was given. */
  error?: unknown
  notable?: NotableOperation
}

const current = new AsyncLocalStorage<RequestNotes>()
const known = new WeakMap<FastifyRequest, RequestNotes>()

/** The notes of a request, which begin when they are first asked for. */
export function notesOf(request: FastifyRequest): RequestNotes {
  const notes = known.get(request) ?? { startedAt: performance.now() }
  known.set(request, notes)
  return notes
}

/** Runs `fn` so that everything it starts is noted with the request. */
export function withNotes<T>(request: FastifyRequest, fn: () => T): T {
  return current.run(notesOf(request), fn)
}

/** Notes what an operation was, when its span ends. */
export function noteSpan({ name, attributes }: Span): void {
  const notes = current.getStore()
  if (notes === undefined || name !== 'operation') return
  if (attributes.operation !== undefined) notes.operation = attributes.operation
  if (attributes.tier !== undefined) notes.tier = attributes.tier
}

/** Notes the details of an operation that deserves them. */
export function noteNotable(operation: NotableOperation): void {
  const notes = current.getStore()
  if (notes !== undefined) notes.notable = operation
}
