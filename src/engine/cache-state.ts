import type { Evicted, Shortage } from '../workspace/evictor.ts'
import type { KeptRepository, RepositoryCache } from '../workspace/repository-cache.ts'

/** What is kept of repositories, what went lately, and why. */
export interface CacheState {
  /** Requests that found an image of their repository, and those that did not. */
  readonly hits: number
  readonly misses: number
  readonly evictions: number
  /** Misses of what had been evicted not long before. */
  readonly regrets: number
  /** The most used first; the others are left out. */
  readonly kept: readonly KeptState[]
  readonly evicted: readonly EvictedState[]
}

export interface KeptState {
  readonly repo: string
  readonly images: number
  readonly bytes: number
  /** How often it was asked for, as long as anybody remembers. */
  readonly uses: number
  /** Dates as ISO 8601. */
  readonly lastUsedAt: string
  /** `null` where it does not expire. */
  readonly expiresAt: string | null
  readonly why: string
}

export interface EvictedState {
  readonly repo: string
  readonly at: string
  readonly bytes: number
  readonly why: string
}

/** Repositories that are listed. */
const MAX_LISTED = 100

export async function cacheState(cache: Pick<RepositoryCache, 'figures' | 'kept' | 'evicted'>): Promise<CacheState> {
  const kept = await cache.kept()
  return {
    ...cache.figures,
    kept: kept.slice(0, MAX_LISTED).map(keptState),
    evicted: cache.evicted.map(evictedState),
  }
}

/** What is kept of one repository, in words; pure. */
export function keptState(kept: KeptRepository): KeptState {
  const { repo, images, bytes, uses, lastUsedAt, standing } = kept
  const { expiresAt } = standing
  return {
    repo,
    images: images.length,
    bytes,
    uses,
    lastUsedAt: new Date(lastUsedAt).toISOString(),
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    why: whyKept(kept),
  }
}

const classes = {
  top: 'one of those used most: it does not expire',
  active: 'used often: it expires two hours after its last use',
  base: 'used again now and then: it expires an hour after its last use',
  idle: 'used once in a long time: it expires half an hour after that',
} as const satisfies Record<KeptRepository['standing']['class'], string>

function whyKept({ standing, isHeld }: KeptRepository): string {
  if (isHeld) return `in use now; ${classes[standing.class]}`
  return standing.isExpired ? 'expired: it stays as long as nobody needs the room' : classes[standing.class]
}

const shortages = {
  bytes: 'images took more bytes than they may, and it was expected to be used least',
  count: 'more repositories were kept than may be, and it was expected to be used least',
  'free space': 'the file system was nearly full, and it was expected to be used least',
} as const satisfies Record<Shortage, string>

function evictedState({ repo, at, bytes, shortage }: Evicted): EvictedState {
  return { repo, at: new Date(at).toISOString(), bytes, why: shortages[shortage] }
}
