import type { Clock } from './clock.ts'

/** Does the work for the first who needs it, and anew for whoever comes after so many milliseconds, or after it failed. */
export function onceIn(ms: number, clock: Clock, work: () => Promise<void>): () => Promise<void> {
  let latest: Promise<void> | null = null
  let startedAt = -Infinity
  return () => {
    if (latest !== null && clock.monotonic() - startedAt <= ms) return latest
    startedAt = clock.monotonic()
    const mine = work()
    latest = mine
    mine.catch(() => {
      if (latest === mine) latest = null
    })
    return mine
  }
}
