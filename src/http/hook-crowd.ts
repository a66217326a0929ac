import { RateLimiterMemory } from 'rate-limiter-flexible'
import { AppError } from '../core/errors.ts'
import { assertPointsLeft, consume } from './rate-limit.ts'

/** Keeps one address that sends webhooks from taking the room and the time of all others. */
export interface HookCrowd {
  /** Throws `rate_limited` where too much that came from there was not vouched for. */
  assertTrusted(address: string): Promise<void>
  /** Notes what was not vouched for; throws `rate_limited` where it is too much. */
  noteUnsigned(address: string, bytes: number): Promise<void>
  /** Takes a place and gives what leaves it again; throws `over_capacity` where there is none. */
  enter(address: string): () => void
}

/** Webhooks under way at once: their bodies are held before it is known who sends them. */
const MAX_AT_ONCE = 16
const MAX_OF_ONE = 4

/** What one address may send in ten seconds that no secret vouches for: it is its size that takes time to check. */
const MAX_UNSIGNED_BYTES = 16 * 1024 * 1024
/** What a small one counts for. */
const MIN_UNSIGNED_BYTES = 16 * 1024

/** Nobody is under way, and nothing was wrong yet. */
export function hookCrowd(): HookCrowd {
  const unsigned = new RateLimiterMemory({ points: MAX_UNSIGNED_BYTES, duration: 10 })
  const places = new Map<string, number>()
  let underWay = 0

  function change(address: string, by: 1 | -1): void {
    const left = (places.get(address) ?? 0) + by
    underWay += by
    if (left === 0) places.delete(address)
    else places.set(address, left)
  }

  return {
    assertTrusted: (address) => assertPointsLeft(unsigned, address),
    noteUnsigned: (address, bytes) => consume(unsigned, address, Math.max(bytes, MIN_UNSIGNED_BYTES)),
    enter(address) {
      if (underWay >= MAX_AT_ONCE || (places.get(address) ?? 0) >= MAX_OF_ONE)
        throw new AppError('over_capacity', 'Cannot take the announcement: too many others are under way')
      change(address, 1)
      return () => change(address, -1)
    },
  }
}
