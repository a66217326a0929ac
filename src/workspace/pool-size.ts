/** How often one kind of sandbox was asked for; times in milliseconds. */
export interface Demand {
  /** Arrivals, each worth less the longer ago it was; as of `askedAt`. */
  readonly weight: number
  readonly askedAt: number
  /** The time before that; `-Infinity` where there was none. */
  readonly askedBeforeAt: number
}

export interface PoolRules {
  /** What waits of each kind that is asked for; 0 for no pool at all. */
  readonly base: number
  /** Most that wait of one kind, however often it is asked for. */
  readonly maxEach: number
  /** Most that wait of all kinds together. */
  readonly maxAll: number
  /** How long a kind that nobody asks for, and a sandbox that nobody takes, is kept. */
  readonly maxAgeMs: number
}

/** What decides how many of a kind should wait. */
export interface Kind {
  readonly demand: Demand
  /** Measured time of making one; `null` before the first. */
  readonly refillMs: number | null
  /** Who asks for an image once may only have looked at it; what every new repository needs is needed again. */
  readonly isWantedAtOnce: boolean
}

/** Time in which an arrival loses most of its weight. */
const MEMORY_MS = 10_000

/** Arrivals come in bursts, and two refills run at once at most. */
const SAFETY = 3

/** The demand after one more arrival; pure. */
export function asked(before: Demand | null, now: number): Demand {
  return {
    weight: 1 + (before === null ? 0 : weightAt(before, now)),
    askedAt: now,
    askedBeforeAt: before?.askedAt ?? -Infinity,
  }
}

/** Arrivals in a second, as measured of late; pure. */
export function arrivalsPerSecond(demand: Demand, now: number): number {
  return weightAt(demand, now) / (MEMORY_MS / 1000)
}

/** How many of a kind should wait, were there no others; pure. */
export function targetOf({ demand, refillMs, isWantedAtOnce }: Kind, now: number, rules: PoolRules): number {
  const isWanted = now - (isWantedAtOnce ? demand.askedAt : demand.askedBeforeAt) <= rules.maxAgeMs
  if (rules.base === 0 || !isWanted) return 0
  // Those that arrive while one is made.
  const arriving = arrivalsPerSecond(demand, now) * ((refillMs ?? 0) / 1000)
  return Math.min(rules.maxEach, Math.max(rules.base, Math.ceil(arriving * SAFETY)))
}

/** How many of each kind may wait, in the order given; kinds with more arrivals are served first; pure. */
export function allot(kinds: readonly Kind[], now: number, rules: PoolRules): readonly number[] {
  const rates = kinds.map(({ demand }) => arrivalsPerSecond(demand, now))
  const order = [...kinds.keys()].toSorted((a, b) => (rates[b] ?? 0) - (rates[a] ?? 0))
  const given = kinds.map(() => 0)
  let left = rules.maxAll
  for (const index of order) {
    const kind = kinds[index]
    if (kind === undefined) continue
    given[index] = Math.min(left, targetOf(kind, now, rules))
    left -= given[index]
  }
  return given
}

/** The measured time of a refill, after one more of them; pure. */
export function smoothed(before: number | null, ms: number): number {
  return before === null ? ms : before * 0.7 + ms * 0.3
}

function weightAt({ weight, askedAt }: Demand, now: number): number {
  return weight * Math.exp(-(now - askedAt) / MEMORY_MS)
}
