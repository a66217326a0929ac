import { hasCode } from '../core/errors.ts'
import { finishOk } from '../core/exec.ts'
import { start } from '../workspace/place.ts'
import type { Lease } from './leases.ts'
import type { WorkspaceScope } from './workspace-scope.ts'

/** How long a program of the workspace may hold git's index before an operation gives up. */
const PATIENCE_MS = 2000
const PAUSE_MS = 50

/**
 * Runs an operation once nobody holds the index. While programs of the caller run, the lock may be theirs: it is waited
 * for, then `workspace_busy`. Where none runs, whoever held it is gone, and the lock is taken away.
 */
export async function whenIndexIsFree<T>(lease: Lease, attempt: () => Promise<T>, scope: WorkspaceScope): Promise<T> {
  const patientUntil = performance.now() + PATIENCE_MS
  let wasForgotten = false
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!hasCode(error, 'workspace_busy')) throw error
      if (lease.programs === 0 && !wasForgotten) {
        wasForgotten = true
        await forgetLock(lease, scope)
      } else if (performance.now() > patientUntil) throw error
      else await pause(scope.signal)
    }
  }
}

async function forgetLock({ copy }: Lease, scope: WorkspaceScope): Promise<void> {
  await finishOk(start(copy.sandbox, ['rm', '-f', '.git/index.lock'], scope), 'take away a lock that nobody holds')
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', leave)
      resolve()
    }, PAUSE_MS)
    signal.addEventListener('abort', leave, { once: true })
  })
}
