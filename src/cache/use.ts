const MINUTE = 60_000
const HOUR = 60 * MINUTE

/**
 * Over how long a use is forgotten, in milliseconds: after so long it counts 1/e. Minutes tell who is at work now, the
 * others what is used in general; several, because nobody knows how often the requests come.
 */
const memoryMs = { minutes: 5 * MINUTE, hour: HOUR, day: 8 * HOUR, days: 72 * HOUR } as const

type Memory = keyof typeof memoryMs

/** How often and how lately something was used: plain figures, and a decayed count for each memory as of `lastAt`. */
export interface Use extends Readonly<Record<Memory, number>> {
  /** Milliseconds since the epoch. */
  readonly firstAt: number
  readonly lastAt: number
  readonly count: number
}

/**
 * A count divided by its memory's time is a rate. The power below one gives the longer memories, whose rates are the surer
 * ones, more of a say: with 1 a repository asked once just now outweighs too many that are asked every hour.
 */
const RATE_POWER = 0.8

/** How many repositories that are not cached are remembered, so that one that comes back is not new. */
export const REMEMBERED = 10_000

/** A use with one more; a clock that was set back counts as standing still. */
export function used(use: Use | null, at: number): Use {
  if (use === null) return { firstAt: at, lastAt: at, count: 1, minutes: 1, hour: 1, day: 1, days: 1 }
  return merged(use, used(null, Math.max(at, use.lastAt)))
}

/** How much use is to be expected soon; only to be compared with that of others at the same time. */
export function weight(use: Use, now: number): number {
  const silentMs = Math.max(0, now - use.lastAt)
  return (
    share(use, 'minutes', silentMs) +
    share(use, 'hour', silentMs) +
    share(use, 'day', silentMs) +
    share(use, 'days', silentMs)
  )
}

/** The uses that two counted apart, together. */
export function merged(one: Use, other: Use): Use {
  const lastAt = Math.max(one.lastAt, other.lastAt)
  const sum = (memory: Memory): number =>
    decayed(one, memory, lastAt - one.lastAt) + decayed(other, memory, lastAt - other.lastAt)
  return {
    firstAt: Math.min(one.firstAt, other.firstAt),
    lastAt,
    count: one.count + other.count,
    minutes: sum('minutes'),
    hour: sum('hour'),
    day: sum('day'),
    days: sum('days'),
  }
}

/** What may be forgotten of what is not cached: nothing up to `REMEMBERED`, then the least used, a tenth at once. */
export function forgettable(uncached: ReadonlyMap<string, Use>, now: number): readonly string[] {
  if (uncached.size <= REMEMBERED) return []
  return [...uncached]
    .map(([key, use]) => ({ key, worth: weight(use, now) }))
    .toSorted((one, other) => one.worth - other.worth)
    .slice(0, uncached.size - 0.9 * REMEMBERED)
    .map(({ key }) => key)
}

const shares: Readonly<Record<Memory, number>> = {
  minutes: memoryMs.minutes ** -RATE_POWER,
  hour: memoryMs.hour ** -RATE_POWER,
  day: memoryMs.day ** -RATE_POWER,
  days: memoryMs.days ** -RATE_POWER,
}

function share(use: Use, memory: Memory, silentMs: number): number {
  return shares[memory] * decayed(use, memory, silentMs)
}

function decayed(use: Use, memory: Memory, silentMs: number): number {
  return use[memory] * Math.exp(-silentMs / memoryMs[memory])
}
