import type { Clock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'
import type { Remote } from '../git/remote/remote.ts'
import type { Caller } from './caller.ts'

/** Counts what each tenant fetches from upstreams. */
export interface FetchBudget {
  /**
   * The remote as this caller may use it; `fetchPack` throws `tenant_limit` once the tenant has fetched enough. What is
   * under way then comes to its end, and counts however it ends.
   */
  metered(remote: Remote, caller: Caller | undefined): Remote
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

  /** Until so much of what counts is a day old that there is room again. */
  function untilRoom(tenant: string, limit: number): number {
    let left = inLastDay(tenant)
    for (const [step, bytes] of spent.get(tenant) ?? []) {
      left -= bytes
      if (left < limit) return (step + STEPS) * (DAY_MS / STEPS) - clock.monotonic()
    }
    return DAY_MS
  }

  function check({ tenant, limits: { fetchBytesPerDay: limit } }: Caller): void {
    if (limit === null || inLastDay(tenant) < limit) return
    throw new AppError('tenant_limit', `Cannot fetch: this tenant has fetched its ${limit} bytes of a day`, {
      details: { retryAfterMs: untilRoom(tenant, limit) },
    })
  }

  function spend({ tenant }: Caller, bytes: number): void {
    const steps = spent.get(tenant) ?? new Map<number, number>()
    steps.set(stepNow(), (steps.get(stepNow()) ?? 0) + bytes)
    spent.set(tenant, steps)
  }

  return {
    metered(remote, caller) {
      if (caller === undefined) return remote
      async function* counted(pack: AsyncIterable<Uint8Array>, by: Caller): AsyncGenerator<Uint8Array> {
        for await (const chunk of pack) {
          spend(by, chunk.length)
          yield chunk
        }
      }
      return {
        ...remote,
        async fetchPack(options, use) {
          check(caller)
          return remote.fetchPack(options, ({ pack, ...stream }) => use({ ...stream, pack: counted(pack, caller) }))
        },
      }
    },
  }
}
