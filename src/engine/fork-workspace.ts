import type { RequestOptions } from './contract.ts'
import type { Lease } from './leases.ts'
import type { Parts } from './parts.ts'
import { bracketInWorkspace } from './workspace-scope.ts'

/** Copies a workspace with everything that was changed in it; its programs stand still meanwhile and are not copied. */
export async function forkWorkspace(
  parts: Parts,
  lease: Lease,
  input: unknown,
  options: RequestOptions,
): Promise<readonly Lease[]> {
  const { count, ttlMs, deadlineMs } = parts.requests.fork(input)
  return bracketInWorkspace(parts, lease, { operation: 'fork', deadlineMs }, options, (scope) =>
    lease.lock.run(
      'write',
      async () => {
        const metadata = (): Record<string, string> => ({ role: 'workspace' })
        const sandboxes = await parts.driver.fork(lease.copy.sandbox, count, { signal: scope.signal, metadata })
        const { repository, ref, resolution, warnings } = lease
        try {
          const { receipt } = scope.answer(null, { steps: [], bytesFetched: 0 })
          return sandboxes.map((sandbox) => {
            const copy = { ...lease.copy, sandbox }
            return parts.leases.add({ repository, ref, resolution, copy, receipt, warnings }, ttlMs)
          })
        } catch (error) {
          await Promise.allSettled(sandboxes.map((sandbox) => sandbox.destroy()))
          throw error
        }
      },
      scope,
    ),
  )
}
