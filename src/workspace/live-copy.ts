import { AppError, hasCode } from '../core/errors.ts'
import { span } from '../core/spans.ts'
import type { Needs } from '../git/operation.ts'
import type { Git } from '../git/run-git.ts'
import type { Sandbox } from '../sandbox/contract.ts'
import { builderGit, setCone, widenCone, workspaceGit } from './builder.ts'
import { noFacts } from './cost.ts'
import type { Connection } from './image-request.ts'
import { listWanted } from './missing-objects.ts'
import { covers, hasGaps, lasting, withWholeHistory, type Has } from './needs.ts'
import { planUpgrade } from './plan.ts'
import type { Step } from './steps.ts'
import type { BringOptions, Upstream } from './upstream.ts'

/** A working copy that somebody works in. */
export interface LiveCopy {
  readonly sandbox: Sandbox
  /** What it holds at the least of the upstream's history; grows, and never counts what was made in it. */
  has: Has
  /** The image it was forked from, and what that holds. */
  readonly image: string
  readonly base: Has
}

/** The way to the upstream, with the credential of one caller. */
export type Connect = (options: { signal: AbortSignal }) => Promise<Connection>

/** What is needed beyond what is there. */
export interface Wanted {
  readonly needs: Needs
  /** Ids that must be there, beside those that are. */
  readonly commits: readonly string[]
  /** Directories whose files must be checked out where `needs.worktree` is `cone`. */
  readonly cone: readonly string[]
}

export interface Upgrade {
  readonly steps: readonly Step[]
  readonly bytes: number
}

const nothing: Upgrade = { steps: [], bytes: 0 }

/** Whether nothing has to be brought. */
export function isThere({ has }: LiveCopy, { needs, commits, cone }: Wanted): boolean {
  return commits.every((id) => has.tips.includes(id)) && covers(has, lasting(needs), cone)
}

/** Brings what is wanted of the upstream into a live working copy; refs, index and files stay as they are. */
export async function upgrade(
  copy: LiveCopy,
  wanted: Wanted,
  connect: Connect,
  options: BringOptions,
): Promise<Upgrade> {
  if (isThere(copy, wanted)) return nothing
  const known = copy.has.tips
  const news = wanted.commits.filter((id) => !known.includes(id))
  try {
    return await bring(copy, { ...wanted, commits: [...known, ...news] }, connect, options)
  } catch (error) {
    // The upstream may have thrown away what no branch leads to any more; what is new can be had all the same.
    if (!hasCode(error, 'commit_not_found') || news.length === 0) throw error
    return bring(copy, { ...wanted, commits: news }, connect, options)
  }
}

async function bring(
  copy: LiveCopy,
  { needs: asked, commits, cone }: Wanted,
  connect: Connect,
  options: BringOptions,
): Promise<Upgrade> {
  const needs = lasting(asked)
  const { upstream, abilities } = await connect(options)
  const plan = planUpgrade({ needs, commits, cone, remote: abilities, facts: noFacts }, copy.has)
  let bytes = 0
  let isWhole = false
  for (const step of plan.steps) {
    // Before objects may be missing: git would take that for damage.
    if (hasGaps(plan.result) && !hasGaps(copy.has)) await allowGaps(copy, options)
    const brought = await carryOut(copy, upstream, { step, commits, isAnew: plan.isAnew }, options)
    bytes += brought.bytes
    if (step.kind === 'fetch') isWhole = brought.isWhole
    if (step.kind === 'fetch' && step.depth === 'full' && !isWhole)
      throw new AppError('history_incomplete', 'Cannot bring the whole history: the repository does not hold it')
  }
  copy.has = isWhole ? withWholeHistory(plan.result) : plan.result
  return { steps: plan.steps, bytes }
}

/** Brings objects by their ids, in one batch. */
export async function bringObjects(
  copy: LiveCopy,
  oids: readonly string[],
  connect: Connect,
  options: BringOptions,
): Promise<number> {
  const { upstream } = await connect(options)
  return (await bringExactly(copy, upstream, { oids, filter: 'blob:none' }, options)).bytes
}

async function carryOut(
  copy: LiveCopy,
  upstream: Upstream,
  { step, commits, isAnew }: { readonly step: Step; readonly commits: readonly string[]; readonly isAnew: boolean },
  options: BringOptions,
): Promise<{ readonly bytes: number; readonly isWhole: boolean }> {
  if (step.kind === 'fetch') {
    const base = isAnew ? null : { tips: copy.has.tips, isShallow: copy.has.history !== 'full' }
    return upstream.bring({ ...step, base, isFirst: false, state: stateOf(copy, upstream) }, at(copy), options)
  }
  if (step.kind === 'backfill') {
    const git = gitOf(copy, options)
    const wanted = await span('backfill', {}, () =>
      listWanted(git, step, { commits, listBlobs: async () => [] }, options),
    )
    if (wanted.oids.length > 0) return bringExactly(copy, upstream, wanted, options)
  } else if (step.kind === 'checkout') {
    // With the template's configuration: another git would write an index that the hook knows nothing of.
    const inWorkspace = workspaceGit(copy.sandbox, { ...options, maxOutputBytes: Number.MAX_SAFE_INTEGER })
    const checkOut = step.cone.length === 0 ? setCone : widenCone
    await span('checkout', {}, () => checkOut(inWorkspace, step.cone, options))
  }
  return { bytes: 0, isWhole: false }
}

function bringExactly(
  copy: LiveCopy,
  upstream: Upstream,
  { oids, filter }: Awaited<ReturnType<typeof listWanted>>,
  options: BringOptions,
): ReturnType<Upstream['bring']> {
  const wish = {
    base: null,
    isFirst: false,
    wants: oids,
    depth: 'exact',
    filter,
    state: stateOf(copy, upstream),
  } as const
  return upstream.bring(wish, at(copy), options)
}

async function allowGaps(copy: LiveCopy, options: BringOptions): Promise<void> {
  const git = gitOf(copy, options)
  for (const [name, value] of [
    ['core.repositoryFormatVersion', '1'],
    ['extensions.partialClone', 'origin'],
    ['remote.origin.promisor', 'true'],
    ['remote.origin.partialCloneFilter', 'blob:none'],
  ] as const)
    await git('config', { flags: ['--local'], operands: [name, value], signal: options.signal })
}

function gitOf(copy: LiveCopy, options: BringOptions): Git {
  return builderGit(copy.sandbox, options)
}

function at({ sandbox }: LiveCopy): Promise<Sandbox> {
  return Promise.resolve(sandbox)
}

function stateOf({ has }: LiveCopy, { objectFormat, url }: Upstream) {
  return { objectFormat, url, tips: has.tips, hasGaps: hasGaps(has) }
}
