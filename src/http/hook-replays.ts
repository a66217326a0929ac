import { LRUCache } from 'lru-cache'
import type { Clock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'
import type { Vouched } from './hook-signature.ts'

/** Remembers what webhooks have announced. */
export interface HookReplays {
  /** Does the work unless it was done for the same before, or long ago; throws `hook_replayed`. What failed may come again. */
  once(vouched: Vouched, work: () => Promise<void>): Promise<void>
}

const KEPT_MS = 86_400_000
const MAX_KEPT = 50_000

/** How far the time of a signature may be from ours, both ways. */
const MAX_AGE_MS = 300_000

/** Kept in memory: a service that is started anew knows nothing of those before. */
export function hookReplays(clock: Clock): HookReplays {
  const seen = new LRUCache<string, number>({ max: MAX_KEPT })

  return {
    async once({ digest, signedAt }, work) {
      if (signedAt !== null && Math.abs(clock.now() - signedAt) > MAX_AGE_MS)
        throw new AppError('hook_replayed', 'Cannot take the announcement: it was signed more than five minutes away')
      const at = clock.monotonic()
      if (at - (seen.get(digest) ?? -Infinity) <= KEPT_MS)
        throw new AppError('hook_replayed', 'Cannot take the announcement: it was taken before')
      seen.set(digest, at)
      try {
        await work()
      } catch (error) {
        seen.delete(digest)
        throw error
      }
    },
  }
}
