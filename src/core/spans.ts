import { AsyncLocalStorage } from 'node:async_hooks'
import { channel } from 'node:diagnostics_channel'
import { correlationId } from './correlation.ts'
import { AppError, type ErrorCode } from './errors.ts'

/** What can be measured; a closed set, so that metrics made of it stay bounded. */
export type SpanName =
  | 'operation'
  | 'resolve'
  | 'cache'
  | 'wait'
  | 'plan'
  | 'create'
  | 'fork'
  | 'copy'
  | 'fetch'
  | 'unpack'
  | 'backfill'
  | 'checkout'
  | 'index'
  | 'probe'
  | 'freeze'
  | 'git'
  | 'files'
  | 'exec'
  | 'push'
  | 'destroy'
  | 'drop'
  | 'reap'

/** What a span may say about itself; labels come from closed sets, figures are numbers. */
export interface SpanAttributes {
  readonly operation?: string
  readonly subcommand?: string
  readonly driver?: 'local' | 'e2b'
  readonly tier?: string
  readonly upper?: 'memory' | 'disk'
  readonly bytes?: number
  readonly count?: number
}

/** One finished piece of work, as subscribers of the channel see it. */
export interface Span {
  readonly name: SpanName
  readonly attributes: SpanAttributes
  readonly correlationId: string | undefined
  readonly ms: number
  readonly outcome: 'ok' | ErrorCode
}

/** A line of a receipt: the time all spans of one name took together. */
export interface Phase {
  readonly name: string
  readonly ms: number
}

/** Publishes a `Span` at the end of every piece of work; metrics and logs subscribe. */
export const spanChannel = channel('forkyard:span')

const collected = new AsyncLocalStorage<Map<SpanName, number>>()

/** Brackets a piece of work: measures it and tells whoever listens how it ended. */
export async function span<T>(name: SpanName, attributes: SpanAttributes, fn: () => Promise<T>): Promise<T> {
  const phases = collected.getStore()
  // Entered before the work, so that a receipt lists phases in the order they began.
  if (phases !== undefined && !phases.has(name)) phases.set(name, 0)
  const startedAt = performance.now()
  let outcome: Span['outcome'] = 'ok'
  try {
    return await fn()
  } catch (error) {
    outcome = error instanceof AppError ? error.code : 'internal'
    throw error
  } finally {
    const ms = performance.now() - startedAt
    phases?.set(name, (phases.get(name) ?? 0) + ms)
    if (spanChannel.hasSubscribers) {
      spanChannel.publish({ name, attributes, correlationId: correlationId(), ms, outcome } satisfies Span)
    }
  }
}

/** Runs `fn` and hands it a reader of the phases that ended, or still run, below it. */
export function collectPhases<T>(fn: (phases: () => readonly Phase[]) => T): T {
  const sums = new Map<SpanName, number>()
  const read = (): readonly Phase[] => [...sums].map(([name, ms]) => ({ name, ms: Math.round(ms * 1000) / 1000 }))
  return collected.run(sums, () => fn(read))
}
