import type { Clock } from '../core/clock.ts'

/** Tells names that come often from the others, in bounded memory. */
export interface HeavyHitters {
  /** Counts a name; answers whether it is among those that are told apart. */
  count(name: string): boolean
  /** Those told apart now. */
  readonly chosen: ReadonlySet<string>
}

export interface HeavyHittersSettings {
  /** How many are told apart. */
  readonly chosen: number
  /** How many are counted to find them; a name with more than 1 in so many of the counts is always among them. */
  readonly counted: number
  /** How often others may be chosen: what is made of names stays bounded over time as well. */
  readonly electionMs: number
  readonly clock: Pick<Clock, 'monotonic'>
  /** Called with a name that is told apart no longer. */
  readonly onDropped: (name: string) => void
}

/** How much more often a name must come than one that is told apart, to take its place. */
const LEAD = 2

/**
 * Counts by space-saving (Metwally et al. 2005): where no counter is free, a new name takes over the smallest. The first
 * names are chosen at once; later ones only in elections, where counts are halved as well, so that the present weighs more.
 */
export function heavyHitters({
  chosen: places,
  counted,
  electionMs,
  clock,
  onDropped,
}: HeavyHittersSettings): HeavyHitters {
  const counts = new Map<string, number>()
  const chosen = new Set<string>()
  let electedAt = clock.monotonic()

  function add(name: string): void {
    const known = counts.get(name)
    if (known !== undefined || counts.size < counted) {
      counts.set(name, (known ?? 0) + 1)
      return
    }
    const [smallest, least] = leastOf(counts)
    counts.delete(smallest)
    counts.set(name, least + 1)
  }

  function elect(): void {
    const challengers = [...counts].filter(([name]) => !chosen.has(name)).toSorted(([, a], [, b]) => b - a)
    for (const [name, count] of challengers) {
      if (chosen.size < places) {
        chosen.add(name)
        continue
      }
      const [weakest, least] = leastOf(new Map([...chosen].map((one) => [one, counts.get(one) ?? 0])))
      if (count < LEAD * Math.max(1, least)) break
      chosen.delete(weakest)
      chosen.add(name)
      onDropped(weakest)
    }
    for (const [name, count] of counts) {
      if (count > 1) counts.set(name, Math.floor(count / 2))
      else counts.delete(name)
    }
  }

  return {
    count(name) {
      const now = clock.monotonic()
      if (now - electedAt >= electionMs) {
        electedAt = now
        elect()
      }
      add(name)
      if (chosen.size < places) chosen.add(name)
      return chosen.has(name)
    },
    chosen,
  }
}

function leastOf(counts: ReadonlyMap<string, number>): readonly [name: string, count: number] {
  let least: readonly [string, number] = ['', Infinity]
  for (const entry of counts) if (entry[1] < least[1]) least = entry
  return least
}
