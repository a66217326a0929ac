import type { RequestOptions } from './contract.ts'
import type { Lease } from './leases.ts'
import type { Parts } from './parts.ts'
import { bracketInWorkspace, type WorkspaceScope } from './workspace-scope.ts'

/** Copies a workspace with everything that was changed in it; its programs stand still meanwhile and are not copied. */
export async function forkWorkspace(
  parts: Parts,
  lease: Lease,
  input: unknown,
  options: RequestOptions,
): Promise<readonly Lease[]> {
  const { count, ttlMs, deadlineMs } = parts.requests.fork(input)
  parts.leases.checkRoom(lease.caller, count)
  return bracketInWorkspace(parts, lease, { operation: 'fork', deadlineMs }, options, (scope) =>
    lease.lock.run(
      'write',
      () => parts.admission.run(options.caller, () => copy(parts, lease, { count, ttlMs }, scope), scope),
      scope,
    ),
  )
}

async function copy(
  parts: Parts,
  lease: Lease,
  { count, ttlMs }: { readonly count: number; readonly ttlMs: number },
  scope: WorkspaceScope,
): Promise<readonly Lease[]> {
  const metadata = (): Record<string, string> => ({ role: 'workspace' })
  const sandboxes = await parts.driver.fork(lease.copy.sandbox, count, { signal: scope.signal, metadata })
  const { repository, ref, resolution, warnings, caller } = lease
  try {
    parts.leases.checkRoom(caller, count)
    const { receipt } = scope.answer(null, { steps: [], bytesFetched: 0 })
    return sandboxes.map((sandbox) => {
      const live = { ...lease.copy, sandbox }
      return parts.leases.add({ repository, ref, resolution, copy: live, receipt, warnings, caller }, ttlMs)
    })
  } catch (error) {
    await Promise.allSettled(sandboxes.map((sandbox) => sandbox.destroy()))
    throw error
  }
}
