import { evictions, type Order } from './retention.ts'
import type { Use } from './use.ts'

/** The names of what a cache would hold, without its contents. */
export interface ShadowCache {
  has(key: string): boolean
  /** Puts a key in or renews its use; those that exceed `room` go. */
  put(key: string, use: Use, settings: { readonly room: number; readonly order: Order }): void
  entries(): Iterable<readonly [key: string, use: Use]>
  readonly size: number
}

/** Of how many entries one is chosen ahead when one has to go: choosing looks at all of them. */
const ENTRIES_PER_CHOICE = 32

/** A cache of names that evicts as the policy says; who is used after being chosen stays. */
export function shadowCache(): ShadowCache {
  const held = new Map<string, Use>()
  let chosen: { readonly key: string; readonly use: Use }[] = []
  let chosenBy: Order = 'use'

  function choose(now: number, room: number, order: Order): void {
    const entries = [...held].map(([key, use]) => ({ key, use, bytes: 0, isHeld: use.lastAt === now }))
    const count = Math.min(room, held.size - Math.max(1, Math.floor(room / ENTRIES_PER_CHOICE)))
    chosen = evictions(entries, { bytes: Infinity, count }, now, order).toReversed()
    chosenBy = order
  }

  return {
    has: (key) => held.has(key),
    put(key, use, { room, order }) {
      held.set(key, use)
      if (order !== chosenBy) chosen = []
      while (held.size > room) {
        if (chosen.length === 0) choose(use.lastAt, room, order)
        const next = chosen.pop()
        if (next === undefined) break
        if (held.get(next.key) === next.use) held.delete(next.key)
      }
    },
    entries: () => held.entries(),
    get size() {
      return held.size
    },
  }
}
