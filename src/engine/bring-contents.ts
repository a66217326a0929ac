import type { Git } from '../git/run-git.ts'
import { bringObjects } from '../workspace/live-copy.ts'
import { missingOf } from '../workspace/missing-objects.ts'
import type { Lease } from './leases.ts'
import type { WorkspaceScope } from './workspace-scope.ts'

/** Brings into a workspace those of the contents that it lacks, in one batch; resolves with the bytes that came. */
export async function bringContents(
  lease: Lease,
  git: Git,
  oids: readonly string[],
  scope: WorkspaceScope,
): Promise<number> {
  return lease.upgrades.run(async () => {
    const missing = await missingOf(git, oids, scope.signal)
    if (missing.length === 0) return 0
    const { connect } = await scope.repository()
    return bringObjects(lease.copy, missing, connect, scope)
  }, scope)
}
