import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from '../core/clock.ts'
import { asCanceled } from '../core/deadline.ts'
import { hasCode } from '../core/errors.ts'
import { span } from '../core/spans.ts'
import type { Sandbox, SandboxDriver, SandboxSpec } from '../sandbox/contract.ts'
import { keyOf, shelf as newShelf, type Shelf, type Waiting } from './pool-shelf.ts'
import { allot, arrivalsPerSecond, type PoolRules } from './pool-size.ts'

/** Sandboxes that are made before they are asked for. */
export interface Pool {
  /** A sandbox of that kind: one that waits, or one made now. Fails as the driver does. */
  take(spec: SandboxSpec, options: { signal: AbortSignal }): Promise<Taken>
  /** Ends those of an image that goes away. */
  forget(image: string): Promise<void>
  readonly figures: PoolFigures
  /** Ends what waits and what is being made; sandboxes that were taken stay. */
  close(): Promise<void>
}

interface Taken {
  readonly sandbox: Sandbox
  /** Whether it was there before it was asked for. */
  readonly isWarm: boolean
}

export interface PoolFigures {
  readonly waiting: number
  /** How many should wait now. */
  readonly target: number
  /** Sandboxes that were there when they were asked for, and those that were not. */
  readonly hits: number
  readonly misses: number
  /** Time that those waited which nobody took. */
  readonly wastedIdleSeconds: number
}

interface PoolSettings {
  readonly driver: SandboxDriver
  readonly rules: PoolRules
  readonly clock: Clock
}

/** Kinds whose demand is remembered, the longest unasked forgotten first. */
const MAX_KINDS = 256

/** Refills at once; one while somebody waits for a sandbox that was not there. */
const STARTS_AT_ONCE = 2

/** How long nothing is made in advance after the driver had no room for somebody. */
const SHORTAGE_PAUSE_MS = 5_000

/** Nobody need ask for what is due by time alone. */
const SWEEP_EVERY_MS = 1_000

/** Keeps sandboxes of each kind that is asked for; nothing of a caller is in one that waits. */
export function pool({ driver, rules, clock }: PoolSettings): Pool {
  if (rules.base === 0) return noPool(driver)
  // In order of the last arrival.
  const shelves = new Map<string, Shelf>()
  const underWay = new Set<Promise<void>>()
  // What is made in advance is no part of the request that happened to come last.
  const outside = AsyncLocalStorage.snapshot()
  const closing = new AbortController()
  const counts = { hits: 0, misses: 0, wastedMs: 0 }
  let starts = 0
  let takers = 0
  let quietUntil = -Infinity
  let isRefillDue = false
  const sweeping = setInterval(() => outside(sweep), SWEEP_EVERY_MS).unref()

  const all = (): readonly Shelf[] => [...shelves.values()]
  const held = (): number => all().reduce((sum, { size }) => sum + size, 0)

  function ask(spec: SandboxSpec): Shelf {
    const [key, now] = [keyOf(spec), clock.monotonic()]
    const known = shelves.get(key)
    known?.ask(now)
    const shelf = known ?? newShelf({ spec, now, discard })
    shelves.delete(key)
    shelves.set(key, shelf)
    const [oldest] = all()
    if (shelves.size > MAX_KINDS && oldest !== undefined) remove(oldest)
    return shelf
  }

  /** What waits is given up for whoever the driver has no room for. */
  async function make(spec: SandboxSpec, options: { signal: AbortSignal }): Promise<Sandbox> {
    takers += 1
    try {
      return await driver.create(spec, options)
    } catch (error) {
      if (!hasCode(error, 'over_capacity') || (held() === 0 && underWay.size === 0)) throw error
      quietUntil = clock.monotonic() + SHORTAGE_PAUSE_MS
      for (const shelf of all()) shelf.giveUp(() => true)
      await atRest()
      return await driver.create(spec, options)
    } finally {
      takers -= 1
    }
  }

  /** Once the caller has gone on with what it took. */
  function refillSoon(): void {
    if (isRefillDue) return
    isRefillDue = true
    setImmediate(() => {
      isRefillDue = false
      outside(refill)
    })
  }

  function refill(): void {
    const now = clock.monotonic()
    if (closing.signal.aborted || now < quietUntil) return
    const wanted = targets(now)
    const lacking = wanted
      .filter(({ shelf, target }) => now >= shelf.quietUntil && shelf.size < target)
      .toSorted((a, b) => arrivalsPerSecond(b.shelf.demand, now) - arrivalsPerSecond(a.shelf.demand, now))
    for (const { shelf, target } of lacking) {
      while (shelf.size < target && starts < (takers > 0 ? 1 : STARTS_AT_ONCE)) {
        if (held() >= rules.maxAll && !makeRoom(wanted)) return
        start(shelf)
      }
    }
  }

  /** Gives up the oldest of a kind of which more wait than should; false where there is none. */
  function makeRoom(wanted: ReturnType<typeof targets>): boolean {
    const from = wanted.find(({ shelf, target }) => shelf.size > target && shelf.waiting.length > 0)
    from?.shelf.giveUp((one) => one === from.shelf.waiting[0])
    return from !== undefined
  }

  function start(shelf: Shelf): void {
    shelf.begin()
    starts += 1
    const startedAt = clock.monotonic()
    const making = async (): Promise<void> => {
      try {
        const spec = { ...shelf.spec, metadata: { role: 'pool' } }
        const spare = await driver.createSpare(spec, { signal: closing.signal })
        const since = clock.monotonic()
        shelf.add({ spare, since }, since - startedAt)
      } catch (error) {
        // Nobody waits for it: whoever asks next learns what is wrong.
        shelf.fail(clock.monotonic())
        if (hasCode(error, 'image_not_found', 'image_incompatible')) remove(shelf)
      } finally {
        starts -= 1
        refillSoon()
      }
      if (!isKept(shelf)) shelf.giveUp(() => true)
    }
    track(making())
  }

  /** Ends one that waited and that nobody took. */
  function discard({ spare, since }: Waiting): void {
    const idleMs = clock.monotonic() - since
    counts.wastedMs += idleMs
    track(outside(() => span('discard', { idleMs }, () => spare.destroy())))
  }

  function track(work: Promise<void>): void {
    // What cannot be ended fails again, and is told, when the driver closes.
    const tracked: Promise<void> = work.catch(() => {}).finally(() => underWay.delete(tracked))
    underWay.add(tracked)
  }

  /** Once what is under way now has ended, and with it what turns out to be wanted no more. */
  async function atRest(): Promise<void> {
    for (let round = 0; round < 2; round += 1) await Promise.all(underWay)
  }

  function isKept(shelf: Shelf): boolean {
    return shelves.get(keyOf(shelf.spec)) === shelf
  }

  function remove(shelf: Shelf): void {
    if (isKept(shelf)) shelves.delete(keyOf(shelf.spec))
    shelf.giveUp(() => true)
  }

  /** Gives up what is dead, too old or too many, then makes what is lacking, and may be made again after a pause. */
  function sweep(): void {
    const now = clock.monotonic()
    for (const { shelf, target } of targets(now)) {
      shelf.giveUp(({ spare, since }) => !spare.isAlive || now - since > rules.maxAgeMs || shelf.size > target)
      if (now - shelf.demand.askedAt > rules.maxAgeMs) remove(shelf)
    }
    refill()
  }

  function targets(now: number): readonly { readonly shelf: Shelf; readonly target: number }[] {
    const kinds = all()
    const given = allot(kinds, now, rules)
    return kinds.map((shelf, index) => ({ shelf, target: given[index] ?? 0 }))
  }

  return {
    async take(spec, { signal }) {
      if (signal.aborted) throw asCanceled(signal.reason)
      return span('take', {}, async (tell) => {
        const waiting = ask(spec).lend(spec.metadata)
        const isWarm = waiting !== null
        counts[isWarm ? 'hits' : 'misses'] += 1
        tell({ isWarm })
        try {
          return { sandbox: waiting ?? (await make(spec, { signal })), isWarm }
        } finally {
          refillSoon()
        }
      })
    },

    async forget(image) {
      for (const shelf of all()) if (shelf.spec.image === image) remove(shelf)
      await atRest()
    },

    get figures() {
      return {
        waiting: all().reduce((sum, { waiting }) => sum + waiting.length, 0),
        target: targets(clock.monotonic()).reduce((sum, { target }) => sum + target, 0),
        hits: counts.hits,
        misses: counts.misses,
        wastedIdleSeconds: counts.wastedMs / 1000,
      }
    },

    async close() {
      clearInterval(sweeping)
      closing.abort()
      all().forEach(remove)
      await atRest()
    },
  }
}

/** Makes each sandbox when it is asked for, and none before. */
function noPool(driver: SandboxDriver): Pool {
  return {
    take: async (spec, options) => ({ sandbox: await driver.create(spec, options), isWarm: false }),
    forget: async () => {},
    figures: { waiting: 0, target: 0, hits: 0, misses: 0, wastedIdleSeconds: 0 },
    close: async () => {},
  }
}
