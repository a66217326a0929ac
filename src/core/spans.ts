import { AsyncLocalStorage } from 'node:async_hooks'
import { channel } from 'node:diagnostics_channel'
import { correlationId } from './correlation.ts'
import { AppError, withShortage, type ErrorCode } from './errors.ts'

/** What can be measured; a closed set, so that metrics made of it stay bounded. */
export const spanNames = [
  'operation',
  'resolve',
  'cache',
  'wait',
  'plan',
  'build',
  'create',
  'take',
  'fork',
  'copy',
  'fetch',
  'unpack',
  'backfill',
  'checkout',
  'index',
  'probe',
  'freeze',
  'git',
  'files',
  'exec',
  'push',
  'destroy',
  'discard',
  'drop',
  'evict',
  'tidy',
  'warm-up',
  'reap',
] as const

export type SpanName = (typeof spanNames)[number]

/** What a span may say about itself; all but the last group are figures or come from closed sets. */
export interface SpanAttributes {
  readonly operation?: string
  readonly effect?: string
  readonly subcommand?: string
  readonly driver?: 'local' | 'e2b'
  readonly tier?: string
  readonly upper?: 'memory' | 'disk'
  readonly bytes?: number
  readonly count?: number
  /** Whether a sandbox was there before it was asked for. */
  readonly isWarm?: boolean
  /** How long it waited. */
  readonly idleMs?: number

  /** What is no label; told only where an answer was given, so that nobody fills a list with names of nothing. */
  readonly repo?: string
  readonly tenant?: string
  readonly argv?: () => readonly (string | Uint8Array)[]
  readonly phases?: () => readonly Phase[]
}

/** One finished piece of work, as subscribers of the channel see it. */
export interface Span {
  readonly name: SpanName
  readonly attributes: SpanAttributes
  readonly correlationId: string | undefined
  readonly ms: number
  readonly outcome: 'ok' | ErrorCode
  /** What was thrown, for logs. */
  readonly error?: unknown
}

/** A line of a receipt: the time all spans of one name took together. */
export interface Phase {
  readonly name: string
  readonly ms: number
}

/** Publishes a `Span` at the end of every piece of work; metrics and logs subscribe. */
export const spanChannel = channel('forkyard:span')

const collected = new AsyncLocalStorage<Map<SpanName, number>>()

/** Brackets a piece of work: measures it and tells whoever listens how it ended, with what `fn` tells beside. */
export async function span<T>(
  name: SpanName,
  attributes: SpanAttributes,
  fn: (tell: (more: SpanAttributes) => void) => Promise<T>,
): Promise<T> {
  const phases = collected.getStore()
  // Entered before the work, so that a receipt lists phases in the order they began.
  if (phases !== undefined && !phases.has(name)) phases.set(name, 0)
  const startedAt = performance.now()
  let told = attributes
  let outcome: Span['outcome'] = 'ok'
  let thrown: unknown
  try {
    return await fn((more) => void (told = { ...told, ...more }))
  } catch (error) {
    const known = withShortage(error)
    outcome = known instanceof AppError ? known.code : 'internal'
    thrown = error
    throw error
  } finally {
    const ms = performance.now() - startedAt
    phases?.set(name, (phases.get(name) ?? 0) + ms)
    if (spanChannel.hasSubscribers) {
      const ended: Span = { name, attributes: told, correlationId: correlationId(), ms, outcome }
      spanChannel.publish(outcome === 'ok' ? ended : { ...ended, error: thrown })
    }
  }
}

/** Hears of every span that ends until the returned function is called; what fails in `listen` never reaches the work. */
export function onSpan(listen: (span: Span) => void, onFault: () => void = () => {}): () => void {
  const hear = (message: unknown): void => {
    try {
      listen(message as Span)
    } catch {
      // Node ends the process where a listener throws.
      onFault()
    }
  }
  spanChannel.subscribe(hear)
  return () => {
    spanChannel.unsubscribe(hear)
  }
}

/** Runs `fn` and hands it a reader of the phases that ended, or still run, below it. */
export function collectPhases<T>(fn: (phases: () => readonly Phase[]) => T): T {
  const sums = new Map<SpanName, number>()
  const read = (): readonly Phase[] => [...sums].map(([name, ms]) => ({ name, ms: Math.round(ms * 1000) / 1000 }))
  return collected.run(sums, () => fn(read))
}
