/** Lets reads run together and writes alone, in order of arrival: a read never passes a write that waits. */
export interface ReadWriteLock {
  /**
   * Throws the signal's reason if it aborts while waiting. What runs inside must not ask for the same lock again:
   * behind a write that waits for it, it would wait for ever.
   */
  run<T>(kind: LockKind, fn: () => Promise<T>, options: { signal: AbortSignal }): Promise<T>
  readonly running: number
  readonly waiting: number
}

export type LockKind = 'read' | 'write'

interface Turn {
  readonly kind: LockKind
  readonly come: () => void
}

/** A lock for one thing that lives in this process. */
export function readWriteLock(): ReadWriteLock {
  const queue = new Set<Turn>()
  let reads = 0
  let writes = 0

  async function acquire(kind: LockKind, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (queue.size === 0 && hasRoom(kind)) return enter(kind)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const turn = { kind, come: resolve }
    const leave = (): void => {
      queue.delete(turn)
      reject(signal.reason)
      // A write that leaves may be all that kept the reads behind it.
      admit()
    }
    queue.add(turn)
    signal.addEventListener('abort', leave, { once: true })
    try {
      await promise
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  function hasRoom(kind: LockKind): boolean {
    return writes === 0 && (kind === 'read' || reads === 0)
  }

  function enter(kind: LockKind): void {
    if (kind === 'read') reads += 1
    else writes += 1
  }

  function release(kind: LockKind): void {
    if (kind === 'read') reads -= 1
    else writes -= 1
    admit()
  }

  /** Who comes in has entered before anybody else can ask, so that nobody overtakes the queue. */
  function admit(): void {
    for (const turn of queue) {
      if (!hasRoom(turn.kind)) return
      queue.delete(turn)
      enter(turn.kind)
      turn.come()
    }
  }

  return {
    async run(kind, fn, { signal }) {
      await acquire(kind, signal)
      try {
        signal.throwIfAborted()
        return await fn()
      } finally {
        release(kind)
      }
    },
    get running() {
      return reads + writes
    },
    get waiting() {
      return queue.size
    },
  }
}
