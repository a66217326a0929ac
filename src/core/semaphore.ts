import { AppError } from './errors.ts'

/** Lets a bounded number of pieces of work run at once, the others wait in order of arrival. */
export interface Semaphore {
  /** Throws `over_capacity` where the queue is full, and the signal's reason if it aborts while waiting. */
  run<T>(fn: () => Promise<T>, options: { signal: AbortSignal }): Promise<T>
  readonly running: number
  readonly waiting: number
}

/** `name` says in messages what is short, `permits` how many run, `maxWaiting` how many may queue. */
export function semaphore(options: { name: string; permits: number; maxWaiting: number }): Semaphore {
  const { name, permits, maxWaiting } = options
  const queue = new Set<() => void>()
  let running = 0

  async function acquire(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (running < permits) {
      running += 1
      return
    }
    if (queue.size >= maxWaiting) {
      throw new AppError('over_capacity', `Cannot start ${name}: ${running} run and ${queue.size} wait`)
    }
    const turn = Promise.withResolvers<void>()
    const leave = (): void => {
      queue.delete(turn.resolve)
      turn.reject(signal.reason)
    }
    queue.add(turn.resolve)
    signal.addEventListener('abort', leave, { once: true })
    try {
      await turn.promise
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  function release(): void {
    const [next] = queue
    if (next === undefined) {
      running -= 1
      return
    }
    // The permit passes on without ever being free, so that nobody can overtake the queue.
    queue.delete(next)
    next()
  }

  return {
    async run(fn, { signal }) {
      await acquire(signal)
      try {
        signal.throwIfAborted()
        return await fn()
      } finally {
        release()
      }
    },
    get running() {
      return running
    },
    get waiting() {
      return queue.size
    },
  }
}
