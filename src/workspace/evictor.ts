import { contest } from '../cache/contest.ts'
import { evictions, type Budget, type Entry } from '../cache/retention.ts'
import { REMEMBERED, type Use } from '../cache/use.ts'
import type { Clock } from '../core/clock.ts'
import { semaphore } from '../core/semaphore.ts'
import { span } from '../core/spans.ts'
import type { SandboxDriver } from '../sandbox/contract.ts'
import type { Holds } from './holds.ts'
import type { KeptImages } from './kept-images.ts'

/** Which room was short. */
export type Shortage = 'bytes' | 'count' | 'free space'

export interface Evicted {
  readonly repo: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly bytes: number
  readonly shortage: Shortage
}

/** Removes images where room is short. */
export interface Evictor {
  /** Notes a request for a repository, with its use by now: they tell which order of eviction is the better one. */
  used(repo: string, use: Use): void
  /** Makes room for one more image; what it resolves with is told the image once it is made, `null` if none was. */
  makeRoom(repo: string, options: { readonly signal: AbortSignal }): Promise<(image: string | null) => void>
  /** Removes what does not fit. */
  evict(): Promise<void>
  /** The latest first. */
  readonly evicted: readonly Evicted[]
  /** How many there were. */
  readonly count: number
  /** Resolves once nothing is being evicted because of what was made. */
  idle(): Promise<void>
}

export interface EvictorSettings {
  readonly driver: Pick<SandboxDriver, 'space'>
  readonly images: KeptImages
  readonly holds: Holds
  readonly budget: Budget
  /** The part of the file system that images leave free. */
  readonly freeShare: number
  readonly clock: Clock
  /** Resolves once it is known which images there are. */
  readonly looked: () => Promise<void>
  readonly entries: () => Promise<readonly Entry[]>
  /** Removes all images of a repository, unless somebody came for it; resolves with whether it did. */
  readonly remove: (entry: Entry) => Promise<boolean>
}

/** The part of the room that is left to images heavier than expected, and to the small files that go with each. */
const SLACK = 0.05

/** More than this is left free on no file system, however large it is. */
const MOST_FREE_BYTES = 10 * 1024 ** 3

/** Evictions that are remembered. */
const MAX_REMEMBERED = 100

const MAX_WAITING = 10_000

export function evictor(settings: EvictorSettings): Evictor {
  const { driver, images, holds, budget, freeShare, clock, looked, entries, remove } = settings
  const oneByOne = semaphore({ name: 'evictions', permits: 1, maxWaiting: MAX_WAITING })
  /** Repositories of which an image is being made, as often as that happens. */
  const making: string[] = []
  const orders = contest()
  const underWay = new Set<Promise<void>>()
  /** For about how many repositories there is room. */
  let places = REMEMBERED
  let evicted: readonly Evicted[] = []
  let count = 0

  async function limits(taken: number): Promise<Budget & { readonly isFreeSpace: boolean }> {
    const space = await driver.space()
    const expected = making.length * images.expectedBytes()
    const newcomers = new Set(making.filter((repo) => !images.byRepository.has(repo))).size
    const onDisk = space === null ? Infinity : taken + space.freeBytes - leftFree(space.totalBytes, freeShare)
    return {
      bytes: Math.min(budget.bytes, onDisk) * (1 - SLACK) - expected,
      count: budget.count - newcomers,
      isFreeSpace: onDisk < budget.bytes,
    }
  }

  async function evictNow(): Promise<number> {
    const before = count
    await looked()
    const repos = [...images.byRepository.keys()]
    const taken = repos.reduce((sum, repo) => sum + images.bytesOf(repo), 0)
    const room = await limits(taken)
    const byBytes = taken > 0 ? Math.floor(room.bytes / (taken / repos.length)) : Infinity
    places = Math.max(1, Math.min(REMEMBERED, room.count, byBytes))
    // Mostly there is room: who is in use need not be found out then.
    if (taken <= room.bytes && repos.length <= room.count) return 0
    const all = await entries()
    const shortage: Shortage = taken <= room.bytes ? 'count' : room.isFreeSpace ? 'free space' : 'bytes'
    const failures: unknown[] = []
    for (const entry of evictions(all, room, clock.now(), orders.order)) {
      const { key, bytes } = entry
      // One that cannot be removed keeps no other.
      if (!(await remove(entry).catch((error: unknown) => void failures.push(error)))) continue
      count += 1
      evicted = [{ repo: key, at: clock.now(), bytes, shortage }, ...evicted].slice(0, MAX_REMEMBERED)
    }
    if (failures.length > 0) throw failures[0]
    return count - before
  }

  const evict = (options: { readonly signal: AbortSignal }): Promise<void> =>
    span('evict', {}, async (tell) => tell({ count: await oneByOne.run(evictNow, options) }))

  return {
    used: (repo, use) => orders.used(repo, use, places),
    async makeRoom(repo, options) {
      making.push(repo)
      const release = holds.hold(repo)
      const end = (): void => {
        making.splice(making.indexOf(repo), 1)
        release()
      }
      // What cannot be evicted is told by its span; the sandboxes' own reserve keeps the disk from running full.
      await evict(options).catch(() => {})
      return (image) => {
        if (image === null) return end()
        // It is weighed beside the answer; where it is heavier than expected, others go.
        const settling = images
          .add(repo, image)
          .finally(end)
          .then(() => evict({ signal: new AbortController().signal }))
          .catch(() => {})
          .finally(() => underWay.delete(settling))
        underWay.add(settling)
      }
    },
    evict: () => evict({ signal: new AbortController().signal }),
    async idle() {
      await Promise.all(underWay)
    },
    get evicted() {
      return evicted
    },
    get count() {
      return count
    },
  }
}

function leftFree(totalBytes: number, share: number): number {
  return Math.min(totalBytes * share, MOST_FREE_BYTES)
}
