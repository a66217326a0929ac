import { LRUCache } from 'lru-cache'
import type { Clock } from '../core/clock.ts'
import { onceIn } from '../core/once-in.ts'
import { settleAll, settleInTurn } from '../core/settle-all.ts'
import { span } from '../core/spans.ts'
import { standings, type Budget, type Entry, type Standing } from '../cache/retention.ts'
import { REMEMBERED, weight } from '../cache/use.ts'
import type { Directory } from '../directory/directory.ts'
import type { SandboxDriver } from '../sandbox/contract.ts'
import { evictor, type Evicted } from './evictor.ts'
import { repositoryHolds } from './holds.ts'
import type { ImageContent } from './image-content.ts'
import { keptImages } from './kept-images.ts'
import type { Asked, RepositoryUse } from './repository-use.ts'
import type { UseBook } from './use-book.ts'

/** Keeps images of repositories as long as they are worth their room. */
export interface RepositoryCache {
  /** Counts that somebody whom the remote let in asked for a repository, and whether an image was there. */
  count(repo: string, asked: Asked, isHit: boolean): void
  /** Keeps the images of a repository from being evicted until the returned function is called. */
  hold(repo: string): () => void
  /** Makes room for one more image; what it resolves with is told the image once it is made, `null` if none was. */
  makeRoom(repo: string, options: { readonly signal: AbortSignal }): Promise<(image: string | null) => void>
  /** Removes an image, whoever uses it; it may be gone already. */
  forget(image: string): Promise<void>
  /** Ends what has expired and removes what has no room; resolves with when the next one expires, `null` for never. */
  tidy(): Promise<number | null>
  /** What is remembered of the use of a repository. */
  useOf(repo: string): Promise<RepositoryUse | null>
  /** Of the repositories that can be reached without a request, those that are used most, the first first. */
  mostUsed(count: number): Promise<readonly string[]>
  /** What is kept, the most used first. */
  kept(): Promise<readonly KeptRepository[]>
  /** What was evicted lately, the latest first. */
  readonly evicted: readonly Evicted[]
  readonly figures: CacheFigures
  /** Tells who else has a say and an interest. */
  attend(attendant: Attendant): void
  close(): Promise<void>
}

export interface Attendant {
  /** Repositories that are in use in this process. */
  inUse(): Iterable<string>
  /** Ends sandboxes that wait for somebody to want this image. */
  end(image: string): Promise<void>
}

export interface KeptRepository {
  readonly repo: string
  readonly images: readonly string[]
  readonly bytes: number
  readonly standing: Standing
  /** How often it was asked for, as long as anybody remembers. */
  readonly uses: number
  /** Milliseconds since the epoch. */
  readonly lastUsedAt: number
  readonly isHeld: boolean
}

export interface CacheFigures {
  readonly hits: number
  readonly misses: number
  readonly evictions: number
  /** Misses of what had been evicted not long before. */
  readonly regrets: number
}

export interface RepositoryCacheSettings {
  readonly driver: SandboxDriver
  readonly directory: Directory<ImageContent>
  readonly book: UseBook
  readonly budget: Budget
  /** The part of the file system that images leave free. */
  readonly freeShare: number
  readonly clock: Clock
}

/** After so long it is read again what other processes have counted. */
const REREAD_MS = 600_000

/** Uses of one repository by one tenant within this are one. */
const MOMENT_MS = 1000

export function repositoryCache(settings: RepositoryCacheSettings): RepositoryCache {
  const { driver, directory, book, budget, freeShare, clock } = settings
  const images = keptImages({ driver, directory, clock })
  const attendants: Attendant[] = []
  const holds = repositoryHolds(driver, () => attendants.flatMap((one) => [...one.inUse()]))
  // What happens here is noted; what others do is looked for when tidying.
  const imagesSeen = onceIn(Infinity, clock, async () => void (await images.look()))
  // There may be thousands: mostly there is room, and nobody need read them.
  const usesRead = onceIn(REREAD_MS, clock, () => book.load(clock.now()))
  const room = evictor({
    driver,
    images,
    holds,
    budget,
    freeShare,
    clock,
    looked: imagesSeen,
    entries,
    remove: removeAll,
  })
  const counted = { hits: 0, misses: 0, regrets: 0 }
  /** When a use of a repository by a tenant was last noted. */
  const noted = new LRUCache<string, number>({ max: REMEMBERED })

  async function looked(): Promise<void> {
    await Promise.all([imagesSeen(), usesRead()])
  }

  /** What waits for an image that another process has removed would keep its layers on the disk. */
  async function lookAgain(): Promise<void> {
    await looked()
    await endWaiting(await images.look())
  }

  async function entries(): Promise<readonly Entry[]> {
    await looked()
    const held = await holds.all(images.byRepository)
    return [...images.byRepository.keys()].map((key) => ({
      key,
      bytes: images.bytesOf(key),
      use: book.useOf(key, images.createdAt(key)),
      isHeld: held.has(key),
    }))
  }

  async function endWaiting(ids: readonly string[]): Promise<void> {
    await settleAll(attendants.flatMap((one) => ids.map((id) => one.end(id))))
  }

  /** Removes images of a repository unless somebody has it in use by now; resolves with whether it did. */
  async function remove(repo: string, ids: readonly string[]): Promise<boolean> {
    if ((await holds.all(images.byRepository)).has(repo)) return false
    await endWaiting(ids)
    if (holds.has(repo)) return false
    await images.remove(ids)
    return true
  }

  async function removeAll({ key, use }: Entry): Promise<boolean> {
    const isAskedAgain = book.useOf(key, use.lastAt).lastAt !== use.lastAt
    return isAskedAgain ? false : remove(key, images.byRepository.get(key) ?? [])
  }

  async function endExpired(): Promise<number | null> {
    const now = clock.now()
    const found = standings(await entries(), now)
    const expired = [...found].filter(([repo, { isExpired }]) => isExpired && !holds.has(repo))
    await settleInTurn(
      expired.map(
        ([repo]) =>
          () =>
            endWaiting(images.byRepository.get(repo) ?? []),
      ),
    )
    const next = Math.min(...[...found.values()].map(({ expiresAt }) => expiresAt ?? Infinity).filter((at) => at > now))
    return next === Infinity ? null : next
  }

  async function removeSuperfluous(): Promise<void> {
    const several = [...images.byRepository].filter(([, ids]) => ids.length > 1)
    await settleInTurn(
      several.map(([repo]) => async () => {
        const old = await images.superfluous(repo)
        if (old.length > 0) await remove(repo, old)
      }),
    )
  }

  return {
    count(repo, asked, isHit) {
      const now = clock.now()
      const who = `${asked.tenant ?? ''} ${repo}`
      counted[isHit ? 'hits' : 'misses'] += 1
      if (!isHit && room.evicted.some((one) => one.repo === repo)) counted.regrets += 1
      // Many questions in a moment are one use: nobody makes room for their own by asking fast.
      const moment = clock.monotonic()
      if (moment - (noted.get(who) ?? -Infinity) < MOMENT_MS) return
      noted.set(who, moment)
      book.count(repo, asked, now)
      room.used(repo, book.useOf(repo, now))
    },

    hold: (repo) => holds.hold(repo),
    makeRoom: (repo, options) => room.makeRoom(repo, options),
    forget: (image) => images.remove([image]),

    tidy: () =>
      span('tidy', {}, async () => {
        // What cannot be done keeps nothing else from being done: least of all on a full disk.
        let next: number | null = null
        // What cannot be done keeps nothing else from being done: least of all on a full disk.
        await settleInTurn([
          lookAgain,
          async () => void (next = await endExpired()),
          removeSuperfluous,
          () => room.evict(),
          () => book.flush(),
          () => book.prune(new Set(images.byRepository.keys()), clock.now()),
        ])
        return next
      }),

    async useOf(repo) {
      await looked()
      return book.find(repo)
    },

    async mostUsed(count) {
      await looked()
      const reachable = book.mostUsed(clock.now()).filter(({ known }) => known.tenant !== null)
      return reachable.slice(0, count).map(({ repo }) => repo)
    },

    async kept() {
      await lookAgain()
      const now = clock.now()
      const all = await entries()
      const found = standings(all, now)
      return all
        .toSorted((a, b) => weight(b.use, now) - weight(a.use, now))
        .map(({ key, bytes, use, isHeld }) => ({
          repo: key,
          images: images.byRepository.get(key) ?? [],
          bytes,
          standing: found.get(key) ?? { class: 'base', expiresAt: null, isExpired: false },
          uses: use.count,
          lastUsedAt: use.lastAt,
          isHeld,
        }))
    },

    get evicted() {
      return room.evicted
    },
    get figures() {
      return { ...counted, evictions: room.count }
    },
    attend: (attendant) => void attendants.push(attendant),
    async close() {
      await room.idle()
      await book.close()
    },
  }
}
