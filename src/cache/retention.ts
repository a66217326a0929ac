import { weight, type Use } from './use.ts'

/** Something cached that takes room. */
export interface Entry {
  readonly key: string
  readonly bytes: number
  readonly use: Use
  /** Whether somebody has it in use now; such a one stays. */
  readonly isHeld: boolean
}

/** What all entries together may take; Infinity where there is no bound. */
export interface Budget {
  readonly bytes: number
  readonly count: number
}

/**
 * How long an entry lives after its last use. The ten of the greatest weight are `top` and never expire. Of the others those
 * are `active` that at their last use had been used more than twice within about an hour, those `idle` that had not been used
 * before for some days, and the rest is `base`.
 */
export interface Standing {
  readonly class: 'top' | 'active' | 'base' | 'idle'
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | null
  readonly isExpired: boolean
}

/** What says who goes first when room is needed: the least expected use, or the longest time without. */
export type Order = 'use' | 'recency'

const MINUTE = 60_000
const TOP = 10
const ttlMs = { active: 120 * MINUTE, base: 60 * MINUTE, idle: 30 * MINUTE } as const

/** The count of an hour that only a third use exceeds. */
const ACTIVE_ABOVE = 2
/** The count of some days below which an earlier use is four days away. */
const IDLE_BELOW = 1.25

/** What an expired entry's weight counts: where two are so near to each other, the expired one goes first. */
const EXPIRED_SHARE = 0.8

/** How long each entry lives by time; that it is expired takes no bytes yet, only budgets do. */
export function standings(entries: readonly Pick<Entry, 'key' | 'use'>[], now: number): ReadonlyMap<string, Standing> {
  const top = mostUsed(entries.map(({ use }) => weight(use, now)))
  return new Map(entries.map(({ key, use }, index) => [key, standing(use, top.has(index), now)]))
}

/**
 * Those that have to go so that the rest fits, the least worthy first, and none that could stay; held ones never go. Their
 * size plays no part: a large image takes more room, but is as much slower to build again.
 */
export function evictions(
  entries: readonly Entry[],
  budget: Budget,
  now: number,
  order: Order = 'use',
): readonly Entry[] {
  let count = entries.length
  let bytes = 0
  for (const entry of entries) bytes += entry.bytes
  const chosen: Entry[] = []
  if (count <= budget.count && bytes <= budget.bytes) return chosen
  for (const { entry } of leastWorthyFirst(entries, now, order)) {
    if (count <= budget.count && bytes <= budget.bytes) break
    chosen.push(entry)
    count -= 1
    bytes -= entry.bytes
  }
  // The last one may have been so large that others need not go.
  return chosen
    .toReversed()
    .filter((entry) => {
      const isNeeded = count + 1 > budget.count || bytes + entry.bytes > budget.bytes
      if (!isNeeded) {
        count += 1
        bytes += entry.bytes
      }
      return isNeeded
    })
    .toReversed()
}

function leastWorthyFirst(entries: readonly Entry[], now: number, order: Order): readonly { readonly entry: Entry }[] {
  const worths = order === 'use' ? worthsByUse(entries, now) : entries.map(({ use }) => use.lastAt)
  return entries
    .map((entry, index) => ({ entry, worth: worths[index] ?? 0 }))
    .filter(({ entry }) => !entry.isHeld)
    .toSorted((one, other) => one.worth - other.worth)
}

function worthsByUse(entries: readonly Entry[], now: number): readonly number[] {
  const weights = entries.map(({ use }) => weight(use, now))
  const top = mostUsed(weights)
  return entries.map(({ use }, index) => {
    const own = weights[index] ?? 0
    return !top.has(index) && now >= expiryOf(use) ? own * EXPIRED_SHARE : own
  })
}

/** Where the ten greatest of the weights are; of equal ones the first. */
function mostUsed(weights: readonly number[]): ReadonlySet<number> {
  const places: number[] = []
  let least = 0
  for (const [index, own] of weights.entries()) {
    if (places.length === TOP && own <= least) continue
    const better = places.findIndex((place) => own > (weights[place] ?? 0))
    places.splice(better === -1 ? places.length : better, 0, index)
    if (places.length > TOP) places.pop()
    least = weights[places.at(-1) ?? 0] ?? 0
  }
  return new Set(places)
}

function standing(use: Use, isTop: boolean, now: number): Standing {
  if (isTop) return { class: 'top', expiresAt: null, isExpired: false }
  const expiresAt = expiryOf(use)
  return { class: classOf(use), expiresAt, isExpired: now >= expiresAt }
}

function expiryOf(use: Use): number {
  return use.lastAt + ttlMs[classOf(use)]
}

function classOf(use: Use): keyof typeof ttlMs {
  if (use.hour > ACTIVE_ABOVE) return 'active'
  return use.days < IDLE_BELOW ? 'idle' : 'base'
}
