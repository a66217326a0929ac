import { AppError } from '../core/errors.ts'
import { tenantOf, type Caller } from './caller.ts'

/** Counts the programs of each tenant, wherever they run. */
export interface RunningPrograms {
  /** Counts one more until the returned function is called. Throws `tenant_limit` where the tenant runs as many as it may. */
  begin(caller: Caller | undefined): () => void
}

export function runningPrograms(): RunningPrograms {
  const counts = new Map<string, number>()
  return {
    begin(caller) {
      const tenant = tenantOf(caller)
      const count = counts.get(tenant) ?? 0
      const limit = caller?.limits.programs ?? null
      if (limit !== null && count >= limit)
        throw new AppError('tenant_limit', `Cannot run a program: this tenant runs ${limit}, as many as it may`)
      counts.set(tenant, count + 1)
      return () => {
        const left = (counts.get(tenant) ?? 0) - 1
        if (left > 0) counts.set(tenant, left)
        else counts.delete(tenant)
      }
    },
  }
}
