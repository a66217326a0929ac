import type { FastifyReply, FastifyRequest } from 'fastify'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { AppError } from '../core/errors.ts'
import type { ApiKeys, Tenant } from './api-keys.ts'
import type { ServiceParts } from './door.ts'
import { hookKinds, hookPath } from './hook-secrets.ts'
import { consume } from './rate-limit.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; `null` where there are no keys, and before the gate. */
    tenant: Tenant | null
  }
}

/** Lets a request in, or throws why not. */
export type Gate = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

/** What anybody may ask: it says nothing but whether the service lives. */
const openPaths = new Set(['/healthz', '/readyz'])

/** Wrong keys of one address in ten seconds, after which it is told to wait. */
const WRONG_KEYS = 1000

/** Without keys only this machine is served; with them whoever bears one, as often as its tenant may. */
export function gate({ keys, hooks, life }: Pick<ServiceParts, 'keys' | 'hooks' | 'life'>): Gate {
  const wrongKeys = new RateLimiterMemory({ points: WRONG_KEYS, duration: 10 })
  const rates = new Map<string, { readonly rate: number; readonly limiter: RateLimiterMemory }>()

  function rateOf({ tenant, ratePerSecond }: Tenant): RateLimiterMemory | null {
    if (ratePerSecond === null) return null
    const known = rates.get(tenant)
    if (known?.rate === ratePerSecond) return known.limiter
    const points = Math.max(1, Math.floor(ratePerSecond))
    const limiter = new RateLimiterMemory({ points, duration: points / ratePerSecond })
    rates.set(tenant, { rate: ratePerSecond, limiter })
    return limiter
  }

  async function identified(keysInForce: ApiKeys, { headers, ip }: FastifyRequest): Promise<Tenant> {
    try {
      return await keysInForce.tenantOf(headers.authorization)
    } catch (error) {
      await consume(wrongKeys, ip)
      throw error
    }
  }

  /** What is proved by a signature, which its route looks at; where none is served it is a route like any other. */
  async function isHook(path: string): Promise<boolean> {
    const kind = hookKinds.find((each) => path === hookPath(each))
    return kind !== undefined && (await hooks.of(kind)).length > 0
  }

  return async (request, reply) => {
    // A page of another site may reach a local port under a name of its own.
    if (keys === null && !isLocalName(request.headers.host ?? ''))
      throw new AppError('host_unserved', 'Cannot serve the request: it is for another host')
    const [path = ''] = request.url.split('?')
    if (openPaths.has(path)) return
    if (life.isDraining) {
      void reply.header('connection', 'close')
      throw new AppError('service_draining', 'Cannot serve the request: the service is about to stop')
    }
    if (keys === null || (await isHook(path))) return
    request.tenant = await identified(keys, request)
    const limiter = rateOf(request.tenant)
    if (limiter !== null) await consume(limiter, request.tenant.tenant)
  }
}

/** Whether a Host header names this machine to itself. */
export function isLocalName(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i.test(host)
}
