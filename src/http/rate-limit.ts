import type { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { AppError } from '../core/errors.ts'

/** Takes points of the key; throws `rate_limited` where it has not so many left. */
export async function consume(limiter: RateLimiterMemory, key: string, points = 1): Promise<void> {
  try {
    await limiter.consume(key, points)
  } catch (refusal) {
    throw rateLimited(refusal as Partial<RateLimiterRes>)
  }
}

/** Takes nothing; throws `rate_limited` where the key has no points left. */
export async function assertPointsLeft(limiter: RateLimiterMemory, key: string): Promise<void> {
  const spent = await limiter.get(key)
  if (spent !== null && spent.remainingPoints <= 0) throw rateLimited(spent)
}

function rateLimited({ msBeforeNext = 1000 }: Partial<RateLimiterRes>): AppError {
  return new AppError('rate_limited', 'Cannot serve the request: too many came in a short time', {
    details: { retryAfterMs: msBeforeNext },
  })
}
