import { contest } from '../../src/cache/contest.ts'
import { standings } from '../../src/cache/retention.ts'
import { shadowCache } from '../../src/cache/shadow-cache.ts'
import { forgettable, REMEMBERED, used, type Use } from '../../src/cache/use.ts'
import type { Hits } from './plain-policies.ts'
import type { Workload } from './workloads.ts'

/** What the policy made of a workload. */
export interface Simulated {
  readonly hits: Hits
  /** How many repositories had a reader sandbox, on average over the time from `countedFrom` on. */
  readonly readers: number
}

/** How often the reader sandboxes are counted, in milliseconds of virtual time. */
const COUNT_EVERY_MS = 10 * 60_000

/** The policy as the service runs it, on the time of the workload; requests before `countedFrom` only warm it up. */
export function simulate({ at, repository, repositories }: Workload, budget: number, countedFrom: number): Simulated {
  const keys = Array.from({ length: repositories }, (_, index) => `repository-${index}`)
  const uses = new Map<string, Use>()
  const cache = shadowCache()
  const rivals = contest()
  const hits = new Uint8Array(at.length)
  const readers: number[] = []
  let countAt = at[countedFrom] ?? 0
  for (let index = 0; index < at.length; index += 1) {
    const now = at[index] ?? 0
    const key = keys[repository[index] ?? 0] ?? ''
    const use = used(uses.get(key) ?? null, now)
    hits[index] = cache.has(key) ? 1 : 0
    uses.set(key, use)
    rivals.used(key, use, budget)
    cache.put(key, use, { room: budget, order: rivals.order })
    if (uses.size - cache.size > REMEMBERED) forget(now)
    for (; now >= countAt; countAt += COUNT_EVERY_MS) readers.push(living(countAt))
  }
  return { hits, readers: readers.reduce((sum, each) => sum + each, 0) / Math.max(1, readers.length) }

  function forget(now: number): void {
    const uncached = new Map([...uses].filter(([key]) => !cache.has(key)))
    for (const key of forgettable(uncached, now)) uses.delete(key)
  }

  function living(now: number): number {
    const entries = [...cache.entries()].map(([key, use]) => ({ key, use }))
    return [...standings(entries, now).values()].filter(({ isExpired }) => !isExpired).length
  }
}
