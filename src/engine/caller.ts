import { AppError } from '../core/errors.ts'
import type { SandboxLimits } from '../sandbox/contract.ts'

/** What one tenant may have; `null` is whatever the engine allows everybody. */
export interface TenantLimits {
  /** Hosts of upstreams, as `host` or `host:port`. */
  readonly hosts: readonly string[] | null
  /** Repositories, as `host/owner` or `host/owner/name`: each stands for all below it. */
  readonly repositories: readonly string[] | null
  /** Workspaces open at once. */
  readonly workspaces: number | null
  /** Pieces of work at once; more of them wait. */
  readonly operations: number | null
  /** Programs that run in workspaces at once. */
  readonly programs: number | null
  /** Bytes fetched from upstreams within 24 hours. */
  readonly fetchBytesPerDay: number | null
  /** Where a sandbox gets less than the engine would give. */
  readonly sandbox: Partial<SandboxLimits>
}

/** Who asks, where callers are told apart. */
export interface Caller {
  readonly tenant: string
  /** Whether it sees, and may remove, what belongs to all tenants together. */
  readonly isOperator: boolean
  readonly limits: TenantLimits
  /** The tenant as it is later, for work in its name that nobody waits for; `null` once it may ask for nothing. */
  readonly later?: () => Promise<Caller | null>
}

/** Whether something is the caller's; who is nobody in particular has all of it. */
export function isOf(owner: Caller | undefined, caller: Caller | undefined): boolean {
  return caller === undefined || owner?.tenant === caller.tenant
}

/** The name under which work is kept apart; '' where callers are not. */
export function tenantOf(caller: Caller | undefined): string {
  return caller?.tenant ?? ''
}

/** The limits of a sandbox for a caller, never wider than everybody's; pure. */
export function sandboxLimits(general: SandboxLimits, caller: Caller | undefined): SandboxLimits {
  const own = caller?.limits.sandbox ?? {}
  const names = Object.keys(general) as (keyof SandboxLimits)[]
  return Object.fromEntries(
    names.map((name) => [name, Math.min(general[name], own[name] ?? Infinity)]),
  ) as unknown as SandboxLimits
}

/** Refuses an upstream that is not this tenant's; pure. Throws `repo_forbidden`. */
export function checkRepository(
  { authority, path }: { readonly authority: string; readonly path: string },
  caller: Caller | undefined,
): void {
  const { hosts, repositories } = caller?.limits ?? { hosts: null, repositories: null }
  const name = `${authority}${path}`
  const isBelow = (prefix: string): boolean => name === prefix || name.startsWith(`${prefix}/`)
  if ((hosts?.includes(authority) ?? true) && (repositories?.some(isBelow) ?? true)) return
  throw new AppError('repo_forbidden', 'Cannot use the repository: it is not one of this tenant')
}

/** Refuses what belongs to all tenants together to those who are only one of them. Throws `operator_only`. */
export function checkOperator(caller: Caller | undefined): void {
  if (caller?.isOperator === false)
    throw new AppError('operator_only', 'Cannot do that: it concerns all tenants together')
}
