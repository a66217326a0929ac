import type { Needs } from '../git/operation.ts'
import { estimate, isLasting, type Cost, type RepoFacts, type Stage } from './cost.ts'
import { blank, covers, join, joinCones, lasting, longer, serves, showsOnly, type Has } from './needs.ts'
import { aim, apply, canTake, isSpoilt, missingSteps, type Filter, type Step } from './steps.ts'

/** An image of the repository that may be forked. */
export interface ImageCandidate {
  readonly id: string
  readonly has: Has
  readonly layers: number
  /** Images of the repository made after it: as many refreshes it would have to make up for. */
  readonly newer: number
}

export interface PlanInput {
  readonly needs: Needs
  /** Asked ids, a worktree's first; where `needs.refs` is `tags`, the ids of all tags follow. */
  readonly commits: readonly string[]
  /** Directories of a `cone` worktree; empty is everything. */
  readonly cone: readonly string[]
  readonly candidates: readonly ImageCandidate[]
  readonly remote: { readonly hasFilter: boolean; readonly hasShallow: boolean }
  readonly facts: RepoFacts
}

export interface Plan {
  readonly steps: readonly Step[]
  readonly cost: Cost
  /** The image it starts from, `null` for a blank sandbox. */
  readonly base: string | null
  /** What the working copy then holds, fit to be an image's `has`. */
  readonly result: Has
  readonly tier: 'image' | 'refresh' | 'clone'
}

/** Layers from which on an image is only forked; where it would have to grow, one of a single layer takes its place. */
export const maxLayers = 8

/** The cheapest way to what an operation needs. Needs without history have no steps: refs alone answer them. */
export function plan(input: PlanInput): Plan {
  if (lasting(input.needs).history === 0) return { steps: [], cost: free, base: null, result: blank, tier: 'image' }
  const bases = [...input.candidates.filter((each) => suits(each, input)).toSorted(byWeight), null]
  const plans = bases.map((base) => cheapestFrom(base, input)).filter((one) => one !== null)
  const [first, ...others] = plans
  const anew = plans.at(-1)
  if (first === undefined || anew === undefined) throw new Error('a blank sandbox always has a route')
  const best = others.reduce((one, other) => (compare(other.cost, one.cost) < 0 ? other : one), first)
  const layers = input.candidates.find(({ id }) => id === best.base)?.layers ?? 0
  return best.tier === 'refresh' && layers >= maxLayers ? anew : best
}

/** The way from a working copy that somebody works in to what is needed. */
export interface UpgradePlan extends Pick<Plan, 'steps' | 'result'> {
  /** Its fetch brings everything, also what is there: what is missing of it cannot be asked for by itself. */
  readonly isAnew: boolean
}

/** The cheapest way from a working copy that somebody works in to what is needed; its worktree only ever grows. */
export function planUpgrade(input: Omit<PlanInput, 'candidates'>, has: Has): UpgradePlan {
  const live: ImageCandidate = { id: '', has, layers: 0, newer: 0 }
  const grown = cheapestFrom(live, { ...input, candidates: [] })
  if (grown !== null) return { ...grown, steps: grown.steps.filter(({ kind }) => kind !== 'fork'), isAnew: false }
  const needs = { ...join(input.needs, has), worktree: 'none' } as const
  const { steps, result } = plan({ ...input, needs, cone: [], candidates: [] })
  const checkout: readonly Step[] =
    input.needs.worktree === 'none' ||
    covers(has, { ...input.needs, history: 0, trees: 'none', blobs: 'none' }, input.cone)
      ? []
      : [{ kind: 'checkout', cone: input.cone.length === 0 ? [] : joinCones(input.cone, has.cone) }]
  const { worktree, cone } = checkout.reduce((before, step) => apply(before, step, input.commits), has)
  return { steps: [...steps, ...checkout], result: { ...result, worktree, cone }, isAnew: true }
}

/** What somebody finds in a cone must not depend on what others asked for before. */
function suits({ has }: ImageCandidate, input: PlanInput): boolean {
  return has.worktree === 'none' || worktreeOf(input) !== 'cone' || showsOnly(has, input.cone)
}

const free: Cost = { ms: 0, bytes: 0, basis: 'measured' }

/** The best filter for one base; one that leaves it with gaps must win by more than later refreshes pay for them. */
function cheapestFrom(base: ImageCandidate | null, input: PlanInput): Plan | null {
  const filters: readonly Filter[] = input.remote.hasFilter ? ['none', 'blob:none', 'tree:0'] : ['none']
  const routes = filters.map((filter) => route(base, filter, input)).filter((one) => one !== null)
  const withRegret = routes.map((one) => {
    const regretMs = base !== null && isSpoilt(base.has, one.result) ? gapMs : 0
    return { one, cost: { ...one.cost, ms: one.cost.ms + regretMs } }
  })
  return withRegret.toSorted((a, b) => compare(a.cost, b.cost))[0]?.one ?? null
}

/** What a refresh pays for looking whether an image with gaps lacks something. */
const gapMs = 30

/** The way from one base with one filter; `null` where there is none. */
function route(base: ImageCandidate | null, filter: Filter, input: PlanInput): Plan | null {
  const { commits, remote } = input
  const asked = lasting({ ...input.needs, worktree: worktreeOf(input) })
  const cone = asked.worktree === 'cone' ? input.cone : []
  const start = base?.has ?? blank
  const stages: Stage[] = []
  let has = start
  const take = (step: Step): void => {
    stages.push({ step, before: has, start })
    has = apply(has, step, commits)
  }

  if (base !== null) take({ kind: 'fork', image: base.id })
  if (!serves(start, asked, { commits, cone })) {
    const isShort = longer(start.history, asked.history) !== start.history
    const isFetch = isShort || commits.some((id) => !start.tips.includes(id))
    if (!isFetch && filter !== 'none') return null
    const history = isFetch && !remote.hasShallow ? 'full' : asked.history
    const target = lasting(join({ ...asked, history }, start))
    const targetCone = target.worktree === 'cone' ? joinCones(cone, start.cone) : []
    const wants = start.history === 'full' ? commits.filter((id) => !start.tips.includes(id)) : commits
    if (isFetch) take({ kind: 'fetch', depth: target.history, filter, wants })
    has = { ...aim(has, commits), refs: target.refs }
    for (const step of missingSteps(has, target, targetCone)) take(step)
    if (!covers(has, target, targetCone)) take({ kind: 'checkout', cone: targetCone })
  }
  if (input.needs.blobs === 'paths' && !covers(has, { ...input.needs, worktree: asked.worktree }, cone)) {
    take({ kind: 'backfill', what: 'blobs', extent: 'paths', cone: [], depth: has.history })
  }
  const steps = stages.map(({ step }) => step)
  if (!steps.every((step) => isPossible(step, start, remote))) return null
  const tier = base === null ? 'clone' : steps.some(isLasting) ? 'refresh' : 'image'
  return { steps, cost: estimate(stages, input.facts, base), base: base?.id ?? null, result: has, tier }
}

function worktreeOf({ needs, cone }: PlanInput): Needs['worktree'] {
  return needs.worktree === 'cone' && cone.length === 0 ? 'full' : needs.worktree
}

/** A server without shallow support refuses shallow clients, one without filters could not have left gaps. */
function isPossible(step: Step, start: Has, { hasFilter, hasShallow }: PlanInput['remote']): boolean {
  if (step.kind !== 'fetch' && step.kind !== 'backfill') return true
  if (!hasShallow && start.history !== 0 && start.history !== 'full') return false
  if (step.kind === 'fetch') return canTake(start, step.filter)
  const isListable = step.extent !== 'all' || (step.depth !== 'full' && step.depth <= maxListedGenerations)
  return hasFilter && isListable
}

/** Generations whose trees may be asked for one by one in a single request. */
const maxListedGenerations = 1000

function compare(a: Cost, b: Cost): number {
  return a.ms - b.ms || a.bytes - b.bytes
}

function byWeight(a: ImageCandidate, b: ImageCandidate): number {
  return a.layers - b.layers || a.newer - b.newer || (a.id < b.id ? -1 : 1)
}
