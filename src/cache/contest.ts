import type { Order } from './retention.ts'
import { shadowCache } from './shadow-cache.ts'
import type { Use } from './use.ts'

/** Which order of eviction serves the present requests better. */
export interface Contest {
  /** Counts a request: its key, its use with this request, and for how many entries the cache has room. */
  used(key: string, use: Use, room: number): void
  readonly order: Order
}

/**
 * Runs both orders on names alone and follows the one that lately had more hits. Expected use wins where popularity lasts,
 * also against scans; recency wins where the work moves on as a whole, and no figures of single entries tell which it is.
 * Lately is about as many requests as there is room for entries.
 */
export function contest(): Contest {
  const byUse = shadowCache()
  /** The order of a set is that of insertion, here of last use. */
  const byRecency = new Set<string>()
  let lead = 0
  return {
    used(key, use, room) {
      lead += Number(byUse.has(key)) - Number(byRecency.has(key)) - lead / Math.max(1, room)
      byUse.put(key, use, { room, order: 'use' })
      byRecency.delete(key)
      byRecency.add(key)
      for (const oldest of byRecency) {
        if (byRecency.size <= room) break
        byRecency.delete(oldest)
      }
    },
    get order() {
      return lead < 0 ? 'recency' : 'use'
    },
  }
}
