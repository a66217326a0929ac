import { joinCones } from '../workspace/needs.ts'
import { upgrade } from '../workspace/live-copy.ts'
import type { Answer, Extension, RequestOptions } from './contract.ts'
import type { Lease } from './leases.ts'
import type { Parts } from './parts.ts'
import { bracketInWorkspace } from './workspace-scope.ts'

/** Lets a workspace live longer, and lets it hold more of the upstream where that is asked for. */
export async function extendWorkspace(
  parts: Parts,
  lease: Lease,
  input: unknown,
  options: RequestOptions,
): Promise<Answer<Extension>> {
  const { ttlMs, history, cone, deadlineMs } = parts.requests.extend(input)
  return bracketInWorkspace(parts, lease, { operation: 'extend', deadlineMs }, options, async (scope) => {
    const { has } = lease.copy
    const isWider = cone.length > 0 && has.worktree === 'cone'
    const needs = {
      history: history ?? has.history,
      trees: history === null ? has.trees : 'all',
      // The files of a cone are all that is checked out; others are brought when an operation reads them.
      blobs: history === null || has.worktree === 'cone' ? has.blobs : 'all',
      worktree: isWider ? 'cone' : 'none',
      refs: 'asked',
    } as const
    const wanted = { needs, commits: [], cone: isWider ? joinCones(cone, has.cone) : [] }
    const { connect } = await scope.repository()
    const work = await lease.lock.run(
      'write',
      () =>
        parts.admission.run(
          options.caller,
          () => lease.upgrades.run(() => upgrade(lease.copy, wanted, connect, scope), scope),
          scope,
        ),
      scope,
    )
    // Not before all else is done: who fails to extend a workspace has not shortened its life either.
    if (ttlMs !== null) parts.leases.extend(lease, ttlMs)
    const value = { id: lease.id, expiresAt: new Date(lease.expiresAt).toISOString() }
    return scope.answer(value, { steps: work.steps, bytesFetched: work.bytes })
  })
}
