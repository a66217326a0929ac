import { hasCode } from '../core/errors.ts'
import { finish } from '../core/exec.ts'
import { start } from '../workspace/place.ts'
import type { Lease } from './leases.ts'
import type { WorkspaceScope } from './workspace-scope.ts'

/** How long a program of the workspace may hold one of git's locks before an operation gives up. */
const PATIENCE_MS = 2000
const PAUSE_MS = 50

/** How long it may take to look for locks. */
const SWEEP_MS = 5000

/**
 * Runs an operation once nobody holds a lock that it needs. While programs of the caller run, a lock may be theirs: it is
 * waited for, then `workspace_busy`. Where none runs, whoever held it is gone, and it is taken away.
 *
 * Git that was given up takes its own locks away, see `endingGently`. What was ended by force leaves them: they go at once
 * where no program runs. Where one does, nobody can tell whose they are, and they stay until none runs.
 */
export async function whenIndexIsFree<T>(lease: Lease, attempt: () => Promise<T>, scope: WorkspaceScope): Promise<T> {
  const patientUntil = performance.now() + PATIENCE_MS
  let wereForgotten = false
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (wasEnded(error)) await forgetLocks(lease)
      if (!hasCode(error, 'workspace_busy')) throw error
      if (!wereForgotten && (await forgetLocks(lease))) wereForgotten = true
      else if (performance.now() > patientUntil) throw error
      else await pause(scope.signal)
    }
  }
}

/** Whether git may have been ended by force. */
function wasEnded(error: unknown): boolean {
  return hasCode(
    error,
    'canceled',
    'deadline_exceeded',
    'output_limit',
    'memory_limit',
    'process_limit',
    'disk_limit',
    'inode_limit',
  )
}

/** Takes away every lock of git, unless a program runs that may hold one. Resolves with whether it did. */
async function forgetLocks(lease: Lease): Promise<boolean> {
  if (lease.programs > 0) return false
  // A program that started meanwhile would lose a lock of its own.
  lease.sweeping ??= sweep(lease).finally(() => (lease.sweeping = null))
  await lease.sweeping
  return true
}

async function sweep({ copy, ended }: Lease): Promise<void> {
  try {
    await finish(start(copy.sandbox, FIND_LOCKS, { signal: ended, deadlineMs: SWEEP_MS }))
  } catch {
    // What is locked still, the next attempt tells; a workspace that has ended needs nothing.
  }
}

/** Names that end so are never refs. Objects and logs, of which there may be many, have no locks that stop an operation. */
const FIND_LOCKS = [
  ...['find', '-H', '.git', '-xdev', '(', '-path', '.git/objects', '-o', '-path', '.git/logs', ')', '-prune'],
  ...['-o', '-type', 'f', '-name', '*.lock', '-exec', 'rm', '-f', '--', '{}', '+'],
]

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
