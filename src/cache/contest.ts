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
 * Over how many requests hits are compared, in times of what there is room for: a short time tells that the work has moved
 * on, a long one that it often does.
 */
const SPANS: readonly number[] = [1, 8]

/**
 * Runs both orders on names alone. Expected use wins where popularity lasts, also against scans; recency wins where the work
 * moves on as a whole, and no figures of single entries tell which it is. Expected use is followed while it had as many hits
 * as recency, lately and over a longer time.
 */
export function contest(): Contest {
  const byUse = shadowCache()
  /** The order of a set is that of insertion, here of last use. */
  const byRecency = new Set<string>()
  let leads = SPANS.map(() => 0)
  return {
    used(key, use, room) {
      const lead = Number(byUse.has(key)) - Number(byRecency.has(key))
      leads = leads.map((each, index) => each + lead - each / Math.max(1, room * (SPANS[index] ?? 1)))
      byUse.put(key, use, { room, order: 'use' })
      byRecency.delete(key)
      byRecency.add(key)
      for (const oldest of byRecency) {
        if (byRecency.size <= room) break
        byRecency.delete(oldest)
      }
    },
    get order() {
      return leads.every((lead) => lead >= 0) ? 'use' : 'recency'
    },
  }
}
