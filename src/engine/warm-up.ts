import { setTimeout as pause } from 'node:timers/promises'
import type { Parts } from './parts.ts'
import { refreshKept } from './refresh-kept.ts'

/** Repositories that are warmed up, the most used ones. */
const TOP = 10

/** Part of the pause by which one is longer or shorter than another, so that services do not ask servers all at once. */
const JITTER = 0.1

/** How often a warm-up looks whether somebody else is at work, and how long it lets them go first. */
const YIELD_MS = 250
const MAX_YIELD_MS = 60_000

/** Warms up the repositories used most, every `everyMs`, until `closing` aborts; never throws. */
export async function warmUp(parts: Parts, everyMs: number, closing: AbortSignal): Promise<void> {
  while (!closing.aborted) {
    const spread = 1 + JITTER * (2 * Math.random() - 1)
    await pause(everyMs * spread, undefined, { signal: closing, ref: false }).catch(() => {})
    if (!closing.aborted) await warmTop(parts, closing).catch(() => {})
  }
}

/** Refreshes them one after the other, each when nobody else is at work. */
export async function warmTop(parts: Parts, signal: AbortSignal): Promise<void> {
  for (const repo of await parts.cache.mostUsed(TOP)) {
    await quiet(parts, signal)
    if (signal.aborted) return
    // Its span tells what failed; the others have their turn.
    await refreshKept(parts, repo, () => true, { signal }).catch(() => {})
  }
}

/** Waits until no request is under way, or long enough. */
async function quiet({ admission }: Parts, signal: AbortSignal): Promise<void> {
  for (let waited = 0; admission.running > 0 && waited < MAX_YIELD_MS && !signal.aborted; waited += YIELD_MS)
    await pause(YIELD_MS, undefined, { signal, ref: false }).catch(() => {})
}
