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
  readonly sent: Sent | null
  /** Requests that wait for it. */
  tries: number
}

/** Kept in memory: a service that is started anew has no workspaces either. */
export function repetitions(): Repetitions {
  /** By tenant: nobody's answers are pushed out by somebody else's. */
  const stores = new Map<string, LRUCache<string, Known>>()
  const flights = singleFlight<Sent>()

  return {
    async once(request, work, { signal }) {
      const given = keyOf(request)
      if (given === null) return work(signal)
      const tenant = request.tenant?.tenant ?? ''
      const known = stores.get(tenant) ?? store()
      stores.set(tenant, known)
      const key = JSON.stringify([request.method, request.url, given])
      const digest = digestOf(request)
      const before = known.get(key)
      if (before !== undefined && before.digest !== digest)
        throw new AppError('idempotency_mismatch', 'Cannot repeat the request: its key was used for another one')
      if (before !== undefined && before.sent !== null) return before.sent
      const mine = before ?? { digest, sent: null, tries: 0 }
      if (before === undefined) known.set(key, mine)
      const remembered = async (flightSignal: AbortSignal): Promise<Sent> => {
        const sent = await work(flightSignal)
        known.set(key, { ...mine, sent })
        return sent
      }
      mine.tries += 1
      try {
        return await flights.run(JSON.stringify([tenant, key, digest]), remembered, { signal })
      } finally {
        mine.tries -= 1
        // What failed is forgotten, but not while another try of it is under way.
        if (mine.tries === 0 && known.peek(key) === mine) known.delete(key)
      }
    },
  }
}

function store(): LRUCache<string, Known> {
  return new LRUCache({
    max: MAX_KEPT,
    ttl: KEPT_MS,
    maxSize: MAX_KEPT_BYTES,
    sizeCalculation: ({ sent }) => 512 + (sent?.body.length ?? 0),
  })
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
