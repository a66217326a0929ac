import { setTimeout as wait } from 'node:timers/promises'
import { asCanceled } from '../core/deadline.ts'
import { AppError, toProblem } from '../core/errors.ts'
import { retryAfterMsOf } from './refusal.ts'

const MAX_TRIES = 6
const FIRST_PAUSE_MS = 100
/** Who is asked to wait longer tells its caller instead. */
const MAX_PAUSE_MS = 10_000

/** What is known beside the failure itself. */
interface Circumstances {
  readonly tries: number
  /** Whether it has ever answered: one that does not run is not waited for, one that starts anew is. */
  readonly wasReached: boolean
  /** From 0 to 1, so that those who failed together do not come back together. */
  readonly chance: number
}

/** How long to wait before a request that may be repeated is sent again; `null` where it had better not be. */
export function pauseMs(error: unknown, { tries, wasReached, chance }: Circumstances): number | null {
  if (!(error instanceof AppError) || tries >= MAX_TRIES) return null
  const ownMs = FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + chance / 2)
  if (error.code === 'service_lost') return ownMs
  if (error.code === 'service_unreachable') return wasReached ? ownMs : null
  const { status, retry } = toProblem(error)
  const askedMs = retryAfterMsOf(error)
  if (retry === 'safe' && error.code !== 'canceled') return Math.max(ownMs, askedMs ?? 0)
  // What the service itself has no room for; where something else is slow or gone, it has been patient for us already.
  if (retry !== 'later' || ![429, 503].includes(status) || askedMs === null || askedMs > MAX_PAUSE_MS) return null
  return askedMs + ownMs
}

/** Asks again and again while that makes sense; the last failure is the one to tell. */
export async function repeated<T>(
  ask: () => Promise<T>,
  { wasReached, signal }: { wasReached: () => boolean; signal: AbortSignal },
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask()
    } catch (error) {
      const ms = pauseMs(error, { tries, wasReached: wasReached(), chance: Math.random() })
      if (ms === null) throw error
      await wait(ms, undefined, { signal }).catch(() => {
        throw asCanceled(signal.reason)
      })
    }
  }
}
