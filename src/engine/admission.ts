import { AppError } from '../core/errors.ts'
import { span } from '../core/spans.ts'
import { tenantOf, type Caller } from './caller.ts'

/** Lets so much work run at once and so much wait; tenants take turns, each in the order it came. */
export interface Admission {
  /**
   * Runs `fn` when it is the caller's turn. Throws `over_capacity` where too many wait or it waited too long,
   * `tenant_limit` where its own tenant has too many, and the signal's reason if it aborts while waiting.
   */
  run<T>(caller: Caller | undefined, fn: () => Promise<T>, options: { readonly signal: AbortSignal }): Promise<T>
  readonly running: number
  readonly waiting: number
}

export interface AdmissionSettings {
  /** Pieces of work at once. */
  readonly concurrency: number
  readonly maxWaiting: number
  readonly maxWaitMs: number
}

/** The part of the queue that one tenant may fill: nobody else is refused because of it. */
const TENANT_SHARE = 0.5

/** The part of what runs that one tenant may have where nothing else is said: others always find a place. */
const RUNNING_SHARE = 0.75

interface Line {
  running: number
  readonly waiting: Set<() => void>
  /** What its tenant may have at once, as it was last said. */
  limit: number
}

export function admission({ concurrency, maxWaiting, maxWaitMs }: AdmissionSettings): Admission {
  /** Tenants that have something here; the one whose turn is next comes first. */
  const lines = new Map<string, Line>()
  let running = 0
  let waiting = 0

  function lineOf(caller: Caller | undefined): Line {
    const tenant = tenantOf(caller)
    const line = lines.get(tenant) ?? { running: 0, waiting: new Set(), limit: 0 }
    // Limits may have changed since the line began.
    line.limit = limitOf(caller)
    lines.set(tenant, line)
    return line
  }

  function limitOf(caller: Caller | undefined): number {
    if (caller === undefined) return concurrency
    return caller.limits.operations ?? Math.ceil(concurrency * RUNNING_SHARE)
  }

  function start(line: Line): void {
    line.running += 1
    running += 1
  }

  function leave(caller: Caller | undefined, line: Line): void {
    line.running -= 1
    running -= 1
    admitNext()
    forgetIdle(caller, line)
  }

  function forgetIdle(caller: Caller | undefined, line: Line): void {
    if (line.running === 0 && line.waiting.size === 0) lines.delete(tenantOf(caller))
  }

  function admitNext(): void {
    while (running < concurrency) {
      const next = [...lines].find(([, line]) => line.waiting.size > 0 && line.running < line.limit)
      if (next === undefined) return
      const [tenant, line] = next
      // Behind all the others, for whom it is the turn now.
      lines.delete(tenant)
      lines.set(tenant, line)
      const [go] = line.waiting
      if (go === undefined) return
      line.waiting.delete(go)
      start(line)
      go()
    }
  }

  function refusal(caller: Caller | undefined, line: Line): AppError | null {
    if (waiting >= maxWaiting)
      return new AppError('over_capacity', `Cannot start: ${running} pieces of work run and ${waiting} wait`)
    const isTooLong = caller !== undefined && line.waiting.size >= Math.ceil(maxWaiting * TENANT_SHARE)
    return isTooLong
      ? new AppError('tenant_limit', `Cannot start: ${line.waiting.size} pieces of work of this tenant wait`)
      : null
  }

  async function wait(line: Line, signal: AbortSignal): Promise<void> {
    const turn = Promise.withResolvers<void>()
    const giveUp = (reason: unknown): void => {
      // Whose turn has come is no longer there to leave.
      if (line.waiting.delete(turn.resolve)) turn.reject(reason)
    }
    const onAbort = (): void => giveUp(signal.reason)
    const tooLong = (): void =>
      giveUp(new AppError('over_capacity', `Cannot start: ${maxWaitMs} ms were not enough to get a turn`))
    line.waiting.add(turn.resolve)
    waiting += 1
    signal.addEventListener('abort', onAbort, { once: true })
    const timer = setTimeout(tooLong, maxWaitMs)
    try {
      await turn.promise
    } finally {
      waiting -= 1
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }

  async function admit(caller: Caller | undefined, signal: AbortSignal): Promise<Line> {
    signal.throwIfAborted()
    const line = lineOf(caller)
    if (running < concurrency && line.running < line.limit) {
      start(line)
      return line
    }
    try {
      const refused = refusal(caller, line)
      if (refused !== null) throw refused
      await span('wait', {}, () => wait(line, signal))
      return line
    } catch (error) {
      forgetIdle(caller, line)
      throw error
    }
  }

  return {
    async run(caller, fn, { signal }) {
      const line = await admit(caller, signal)
      try {
        signal.throwIfAborted()
        return await fn()
      } finally {
        leave(caller, line)
      }
    },
    get running() {
      return running
    },
    get waiting() {
      return waiting
    },
  }
}
