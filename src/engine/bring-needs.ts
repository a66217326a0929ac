import { hasCode } from '../core/errors.ts'
import { commitAt } from '../git/head.ts'
import type { Needs, Operation } from '../git/operation.ts'
import type { Git } from '../git/run-git.ts'
import { isCutWithin } from '../workspace/cut-history.ts'
import { isThere, upgrade } from '../workspace/live-copy.ts'
import { shallowCommits } from '../workspace/remote-upstream.ts'
import type { Step } from '../workspace/steps.ts'
import type { Lease } from './leases.ts'
import { mayLieDeeper, pinLocally, stepsBack, type Pinned } from './local-revisions.ts'
import type { WorkspaceScope } from './workspace-scope.ts'

interface Task {
  readonly lease: Lease
  readonly operation: Operation
  readonly own: Readonly<Record<string, unknown>>
  readonly git: Git
  /** What was brought on the way, for the receipt. */
  readonly brought: { readonly steps: Step[]; bytesFetched: number }
}

/**
 * Brings what an operation needs, and pins its revisions. A workspace counts its history from the upstream's tips; who
 * starts elsewhere, at an older commit or another branch, may meet the end of it earlier, and git would not say so.
 */
export async function bringNeeds(task: Task, scope: WorkspaceScope): Promise<Pinned> {
  const { operation, own } = task
  const needs = operation.needs(own)
  const back = stepsBack(operation, own)
  await deepen(task, typeof needs.history === 'number' ? needs.history + back : needs.history, scope)
  let pinned = await pinOrMiss(task, scope)
  for (const further of ['as much again', 'everything'] as const) {
    const { history } = task.lease.copy.has
    if (history === 'full' || needs.history === 'full') break
    if (pinned !== null && !(await isShort(task, needs.history, pinned, scope))) break
    await deepen(task, further === 'everything' ? 'full' : history + needs.history + back, scope)
    pinned = await pinOrMiss(task, scope)
  }
  return pinned ?? pinLocally(task.git, operation, own, scope)
}

async function deepen(
  { lease, operation, own, brought }: Task,
  history: Needs['history'],
  scope: WorkspaceScope,
): Promise<void> {
  // What is checked out is the caller's choice, made when the workspace was opened; tags are those that are here.
  const needs: Needs = { ...operation.needs(own), history, worktree: 'none', refs: 'asked' }
  const wanted = { needs, commits: [], cone: [] }
  // Who needs nothing does not wait for what others bring.
  if (isThere(lease.copy, wanted)) return
  const { connect } = await scope.repository()
  const more = await lease.upgrades.run(() => upgrade(lease.copy, wanted, connect, scope), scope)
  brought.steps.push(...more.steps)
  brought.bytesFetched += more.bytes
}

/** `null` where more of the history may hold what a revision means. */
async function pinOrMiss({ lease, git, operation, own }: Task, scope: WorkspaceScope): Promise<Pinned | null> {
  try {
    return await pinLocally(git, operation, own, scope)
  } catch (error) {
    const isHopeless = lease.copy.has.history === 'full' || !mayLieDeeper(operation, own)
    if (isHopeless || !hasCode(error, 'commit_not_found')) throw error
    return null
  }
}

async function isShort(
  { lease, git }: Task,
  generations: number,
  { commits, head: known }: Pinned,
  scope: WorkspaceScope,
): Promise<boolean> {
  if (generations < 2) return false
  const head = commits.length > 0 ? known : await commitAt(git, 'HEAD', scope)
  const starts = [...new Set([...commits, ...(head === null ? [] : [head])])]
  // From the tips on there is as much as is noted.
  if (starts.every((id) => lease.copy.has.tips.includes(id))) return false
  const cut = await shallowCommits(lease.copy.sandbox, scope)
  return cut !== null && (await isCutWithin(git, { commits: starts, generations, cut: new Set(cut) }, scope))
}
