import { AppError } from './errors.ts'

/** What a piece of work tells its reader on the way. */
export interface Teller<Step> {
  /** Resolves when the reader has taken the step: who makes steps is never ahead by more than one. */
  readonly give: (step: Step) => Promise<void>
  /** Waits for nobody: of steps offered one after another, only the newest is read. */
  readonly offer: (step: Step) => void
}

export interface HandOverOptions {
  /** Time after which the work is given up for a reader who does not ask for the next step. */
  readonly silenceMs: number
}

interface Entry<Step> {
  readonly step: Step
  /** `null` for what was offered. */
  readonly taken: PromiseWithResolvers<void> | null
}

/**
 * The steps of a piece of work, made as its reader asks for them. It begins when the first is asked for; its signal aborts
 * when the reader leaves or falls silent, and reading ends only after the work has.
 */
export function handOver<Step>(
  work: (teller: Teller<Step>, signal: AbortSignal) => Promise<void>,
  { silenceMs }: HandOverOptions,
): AsyncIterableIterator<Step, undefined, undefined> {
  const leaving = new AbortController()
  const { signal } = leaving
  const queue: Entry<Step>[] = []
  let changed = Promise.withResolvers<void>()

  function add(entry: Entry<Step>): void {
    queue.push(entry)
    changed.resolve()
  }

  const teller: Teller<Step> = {
    async give(step) {
      signal.throwIfAborted()
      const taken = Promise.withResolvers<void>()
      add({ step, taken })
      await taken.promise
    },
    offer(step) {
      if (signal.aborted) return
      if (queue.at(-1)?.taken === null) queue.pop()
      add({ step, taken: null })
    },
  }

  function leave(error: AppError): void {
    leaving.abort(error)
    for (const { taken } of queue.splice(0)) taken?.reject(error)
  }

  async function* read(): AsyncGenerator<Step, undefined, undefined> {
    let isOver = false
    const over = work(teller, signal).finally(() => {
      isOver = true
      changed.resolve()
    })
    // It may fail while the reader is busy with a step, and is awaited below.
    over.catch(() => {})
    try {
      for (;;) {
        const entry = queue.shift()
        if (entry !== undefined) {
          entry.taken?.resolve()
          const patience = setTimeout(() => leave(silent(silenceMs)), silenceMs)
          try {
            yield entry.step
          } finally {
            clearTimeout(patience)
          }
        } else if (isOver) {
          signal.throwIfAborted()
          await over
          return undefined
        } else {
          changed = Promise.withResolvers()
          await changed.promise
        }
      }
    } finally {
      leave(gone())
      await Promise.allSettled([over])
    }
  }

  const steps = read()
  return {
    next: () => steps.next(),
    return() {
      // A step may be asked for already, and would not come before the work has made it.
      leave(gone())
      return steps.return(undefined)
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

function gone(): AppError {
  return new AppError('canceled', 'Cannot finish: the reader left')
}

function silent(ms: number): AppError {
  return new AppError('reader_silent', `Cannot go on: nothing was read for ${ms} ms`)
}
