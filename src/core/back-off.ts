import { LRUCache } from 'lru-cache'
import type { Clock } from './clock.ts'
import { AppError, catalog } from './errors.ts'

/** Leaves alone, for a while, what fails again and again. */
export interface BackOff {
  /** Does the work, or fails at once as it failed last where that was just now. Only what may be better `later` counts. */
  run<Value>(key: string, work: () => Promise<Value>): Promise<Value>
}

interface Trouble {
  readonly failures: number
  readonly error: AppError
  readonly at: number
}

const maxRemembered = 10_000
const firstPauseMs = 250
const longestPauseMs = 30_000

/** How long after so many failures in a row nobody tries again; the first may have been a slip. */
export function pauseMs(failures: number): number {
  return failures < 2 ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 2))
}

export function backOff(clock: Clock): BackOff {
  const troubles = new LRUCache<string, Trouble>({ max: maxRemembered })
  return {
    async run(key, work) {
      const before = troubles.get(key)
      const startedAt = clock.monotonic()
      const waitMs = before === undefined ? 0 : Math.ceil(before.at + pauseMs(before.failures) - startedAt)
      if (before !== undefined && waitMs > 0) throw refusal(before.error, waitMs)
      try {
        const value = await work()
        troubles.delete(key)
        return value
      } catch (error) {
        if (!(error instanceof AppError) || catalog[error.code].retry !== 'later') throw error
        const known = troubles.get(key)
        // What was under way together fails together and is one failure.
        const isNew = known === undefined || startedAt > known.at
        if (isNew) troubles.set(key, { failures: (known?.failures ?? 0) + 1, error, at: clock.monotonic() })
        throw error
      }
    },
  }
}

function refusal({ code, message, details }: AppError, waitMs: number): AppError {
  return new AppError(code, message, { details: { ...details, retryAfterMs: waitMs } })
}
