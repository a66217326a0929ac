import type { Clock } from '../core/clock.ts'
import { settleAll } from '../core/settle-all.ts'
import { span } from '../core/spans.ts'
import { standings, type Budget, type Entry, type Standing } from '../cache/retention.ts'
import { weight } from '../cache/use.ts'
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
  makeRoom(repo: string): Promise<(image: string | null) => void>
  /** Ends what has expired and removes what has no room; resolves with when the next one expires, `null` for never. */
  tidy(): Promise<number | null>
  /** What is remembered of the use of a repository. */
  useOf(repo: string): Promise<RepositoryUse | null>
  /** The repositories that are used most, the first first. */
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

export function repositoryCache(settings: RepositoryCacheSettings): RepositoryCache {
  const { driver, directory, book, budget, freeShare, clock } = settings
  const images = keptImages(driver, directory)
  const attendants: Attendant[] = []
  const holds = repositoryHolds(driver, () => attendants.flatMap((one) => [...one.inUse()]))
  const room = evictor({ driver, images, holds, budget, freeShare, clock, looked, entries, remove: removeAll })
  const counted = { hits: 0, misses: 0, regrets: 0 }
  let looking: Promise<void> | null = null

  async function look(): Promise<void> {
    looking = Promise.all([book.load(), images.look()]).then(() => {})
    await looking
  }

  /** Who needs it first looks; from then on what happens here is noted, and tidying looks again. */
  function looked(): Promise<void> {
    return looking ?? look()
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

  async function remove(repo: string, ids: readonly string[]): Promise<void> {
    await endWaiting(ids)
    await images.remove(repo, ids)
  }

  async function removeAll(repo: string): Promise<void> {
    await remove(repo, images.byRepository.get(repo) ?? [])
  }

  async function endExpired(): Promise<number | null> {
    const now = clock.now()
    const found = standings(await entries(), now)
    for (const [repo, { isExpired }] of found)
      if (isExpired && !holds.has(repo)) await endWaiting(images.byRepository.get(repo) ?? [])
    const next = Math.min(...[...found.values()].map(({ expiresAt }) => expiresAt ?? Infinity).filter((at) => at > now))
    return next === Infinity ? null : next
  }

  async function removeSuperseded(): Promise<void> {
    const held = await holds.all(images.byRepository)
    for (const [repo, ids] of images.byRepository) {
      if (ids.length < 2 || held.has(repo)) continue
      const old = await images.superseded(repo)
      if (old.length > 0 && !holds.has(repo)) await remove(repo, old)
    }
  }

  return {
    count(repo, asked, isHit) {
      book.count(repo, asked, clock.now())
      room.used(repo, book.useOf(repo, clock.now()))
      counted[isHit ? 'hits' : 'misses'] += 1
      if (!isHit && room.evicted.some((one) => one.repo === repo)) counted.regrets += 1
    },

    hold: (repo) => holds.hold(repo),
    makeRoom: (repo) => room.makeRoom(repo),

    tidy: () =>
      span('tidy', {}, async () => {
        await book.flush()
        await look()
        const next = await endExpired()
        await removeSuperseded()
        await room.evict()
        await book.prune(new Set(images.byRepository.keys()), clock.now())
        return next
      }),

    async useOf(repo) {
      await looked()
      return book.find(repo)
    },

    async mostUsed(count) {
      await looked()
      return book.mostUsed(clock.now()).slice(0, count)
    },

    async kept() {
      await look()
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
    close: () => book.close(),
  }
}
