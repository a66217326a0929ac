import type { Clock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'
import type { Upstream } from '../workspace/upstream.ts'
import type { Caller } from './caller.ts'

/** Counts what each tenant fetches from upstreams. */
export interface FetchBudget {
  /** The upstream as this caller may use it; `bring` throws `tenant_limit` once the tenant has fetched enough. */
  metered(upstream: Upstream, caller: Caller | undefined): Upstream
}

const DAY_MS = 86_400_000
/** A budget comes back in these steps, so that nobody waits for a whole day. */
const STEPS = 24

/** Bytes by tenant and by hour: what was fetched in the last 24 counts. */
export function fetchBudget(clock: Clock): FetchBudget {
  const spent = new Map<string, Map<number, number>>()
  const stepNow = (): number => Math.floor(clock.monotonic() / (DAY_MS / STEPS))

  function inLastDay(tenant: string): number {
    const steps = spent.get(tenant) ?? new Map<number, number>()
    for (const step of steps.keys()) if (step <= stepNow() - STEPS) steps.delete(step)
    return [...steps.values()].reduce((sum, bytes) => sum + bytes, 0)
  }

  function check({ tenant, limits: { fetchBytesPerDay: limit } }: Caller): void {
    if (limit === null || inLastDay(tenant) < limit) return
    throw new AppError('tenant_limit', `Cannot fetch: this tenant has fetched its ${limit} bytes of a day`, {
      details: { retryAfterMs: DAY_MS / STEPS },
    })
  }

  function spend({ tenant }: Caller, bytes: number): void {
    const steps = spent.get(tenant) ?? new Map<number, number>()
    steps.set(stepNow(), (steps.get(stepNow()) ?? 0) + bytes)
    spent.set(tenant, steps)
  }

  return {
    metered(upstream, caller) {
      if (caller === undefined) return upstream
      return {
        ...upstream,
        async bring(wish, place, options) {
          check(caller)
          const brought = await upstream.bring(wish, place, options)
          spend(caller, brought.bytes)
          return brought
        },
      }
    },
  }
}
