import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { AppError } from '../core/errors.ts'
import { singleFlight } from '../core/single-flight.ts'

/** An answer as it is sent, and sent again when the same request is repeated. */
export interface Sent {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Remembers what requests with an Idempotency-Key were answered. */
export interface Repetitions {
  /**
   * Does the work once for equal requests, those under way included; without a key it is simply done. What failed is
   * done anew. Throws `idempotency_mismatch` where the key was used for something else.
   */
  once(
    request: FastifyRequest,
    work: (signal: AbortSignal) => Promise<Sent>,
    options: { readonly signal: AbortSignal },
  ): Promise<Sent>
}

const KEPT_MS = 86_400_000
const MAX_KEPT = 10_000
const MAX_KEPT_BYTES = 64 * 1024 * 1024

interface Known {
  readonly digest: string
  sent: Sent | null
}

/** Kept in memory: a service that is started anew has no workspaces either. */
export function repetitions(): Repetitions {
  const known = new LRUCache<string, Known>({
    max: MAX_KEPT,
    ttl: KEPT_MS,
    maxSize: MAX_KEPT_BYTES,
    sizeCalculation: ({ sent }) => 512 + (sent?.body.length ?? 0),
  })
  const flights = singleFlight<Sent>()

  return {
    async once(request, work, { signal }) {
      const given = keyOf(request)
      if (given === null) return work(signal)
      const key = JSON.stringify([request.tenant?.tenant ?? '', request.method, request.url, given])
      const digest = digestOf(request)
      const before = known.get(key)
      if (before !== undefined && before.digest !== digest)
        throw new AppError('idempotency_mismatch', 'Cannot repeat the request: its key was used for another one')
      if (before !== undefined && before.sent !== null) return before.sent
      if (before === undefined) known.set(key, { digest, sent: null })
      const remembered = async (flightSignal: AbortSignal): Promise<Sent> => {
        try {
          const sent = await work(flightSignal)
          known.set(key, { digest, sent })
          return sent
        } catch (error) {
          known.delete(key)
          throw error
        }
      }
      return flights.run(key, remembered, { signal })
    },
  }
}

function keyOf({ headers }: FastifyRequest): string | null {
  const key = headers['idempotency-key']
  if (key === undefined) return null
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key
  throw new AppError(
    'input_invalid',
    'Cannot use the request: Idempotency-Key must be one word of at most 255 characters',
  )
}

/** What makes two requests the same: what they ask, and on whose behalf. */
function digestOf({ body, headers }: FastifyRequest): string {
  const parts = [body ?? null, headers['git-authorization'] ?? null]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64')
}
