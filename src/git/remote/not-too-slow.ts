import type { Clock } from '../../core/clock.ts'
import { AppError } from '../../core/errors.ts'

/** A transfer that has begun and then brings less than this is a server that wastes time. */
const minBytesPerSecond = 1000

/** Passes chunks on; throws `remote_timeout` where the source, not its reader, was too slow for a whole window. */
export async function* notTooSlow(
  chunks: AsyncIterable<Uint8Array>,
  { host, windowMs, clock }: { readonly host: string; readonly windowMs: number; readonly clock: Clock },
): AsyncGenerator<Uint8Array, void, void> {
  const minBytes = (minBytesPerSecond * windowMs) / 1000
  let bytes = 0
  let waitedMs = 0
  let askedAt = clock.monotonic()
  for await (const chunk of chunks) {
    waitedMs += clock.monotonic() - askedAt
    bytes += chunk.length
    if (waitedMs > windowMs) {
      if (bytes < minBytes)
        throw new AppError(
          'remote_timeout',
          `Cannot read from ${host}: it sends fewer than ${minBytesPerSecond} bytes a second`,
        )
      bytes = 0
      waitedMs = 0
    }
    yield chunk
    askedAt = clock.monotonic()
  }
}
