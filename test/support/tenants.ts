import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { TenantLimits } from '../../src/engine/caller.ts'
import type { Tenant } from '../../src/http/api-keys.ts'

const unlimited: TenantLimits = {
  hosts: null,
  repositories: null,
  workspaces: null,
  operations: null,
  programs: null,
  fetchBytesPerDay: null,
  sandbox: {},
}

/** A tenant that may do whatever `limits` does not forbid. */
export function tenantNamed(tenant: string, limits: Partial<TenantLimits> = {}): Tenant {
  return { tenant, isOperator: false, ratePerSecond: null, limits: { ...unlimited, ...limits } }
}

/** The key that `writeKeys` gives to a tenant. */
export function keyOf(tenant: string): string {
  return `key-of-${tenant}`
}

/** Writes a file of API keys with one key for each tenant. */
export function writeKeys(path: string, tenants: Readonly<Record<string, object>>): void {
  const keys = Object.keys(tenants).map((tenant) => ({ id: `${tenant}-1`, tenant, sha256: sha256(keyOf(tenant)) }))
  writeFileSync(path, JSON.stringify({ tenants, keys }))
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
