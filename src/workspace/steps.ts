import { longer, type Has } from './needs.ts'

/** One thing to do on the way from what a working copy has to what an operation needs. */
export type Step =
  | { readonly kind: 'fork'; readonly image: string }
  | {
      readonly kind: 'fetch'
      /** `full` deepens what is shallow and leaves whole history whole. */
      readonly depth: number | 'full'
      readonly filter: Filter
      /** Ids to ask for; afterwards refs stand on exactly the tips of the plan's result. */
      readonly wants: readonly string[]
    }
  | {
      /**
       * Lists what is missing of the extent (`rev-list --objects --missing=print`) and brings it as one batch; free
       * when nothing is. A missing tree brings all below it. Without an explicit filter the recorded one would apply.
       */
      readonly kind: 'backfill'
      readonly what: 'trees' | 'blobs'
      /** `paths`: what the operation's `blobs` lists; `cone`: the files of `cone`; `all`: of `depth` generations. */
      readonly extent: 'paths' | 'cone' | 'tip' | 'all'
      readonly cone: readonly string[]
      readonly depth: number | 'full'
    }
  /** Checks out the first commit; an empty cone is everything. */
  | { readonly kind: 'checkout'; readonly cone: readonly string[] }

export type Filter = 'none' | 'blob:none' | 'tree:0'

/** What a working copy holds after a step, at the least; `commits` are the ids the plan is for. */
export function apply(has: Has, step: Step, commits: readonly string[]): Has {
  if (step.kind === 'fork') return has
  if (step.kind === 'fetch') return fetched(has, step, commits)
  if (step.kind === 'checkout') {
    return { ...has, worktree: step.cone.length === 0 ? 'full' : 'cone', cone: step.cone }
  }
  if (step.extent === 'paths' || step.extent === 'cone') return has
  const { extent } = step
  const trees = has.trees === 'all' ? 'all' : extent
  const tips = has.tips.filter((id) => commits.includes(id))
  return oneGeneration({ ...has, trees, blobs: step.what === 'blobs' ? extent : has.blobs, tips })
}

/** The same content with the asked ids as first tips; a worktree of another commit does not count. */
export function aim(has: Has, commits: readonly string[]): Has {
  const isAtHead = has.tips[0] === commits[0]
  const others = has.tips.filter((id) => !commits.includes(id))
  return {
    ...has,
    tips: [...commits, ...others.slice(0, maxOtherTips)],
    worktree: isAtHead ? has.worktree : 'none',
    cone: isAtHead ? has.cone : [],
  }
}

/** What must be brought after the fetch so that only the checkout lacks; `has` is aimed at the asked ids. */
export function missingSteps(
  has: Has,
  target: Pick<Has, 'history' | 'trees' | 'blobs' | 'worktree'>,
  cone: readonly string[],
): readonly BackfillStep[] {
  const steps: BackfillStep[] = []
  const depth = target.history
  const lacksBlobs = rank[has.blobs] < rank[target.blobs]
  // Blobs are asked for by the trees that hold them, which brings these trees too.
  const treesByBlobs = lacksBlobs ? target.blobs : 'none'
  if (target.trees !== 'none' && rank[target.trees] > Math.max(rank[has.trees], rank[treesByBlobs])) {
    steps.push({ kind: 'backfill', what: 'trees', extent: target.trees, cone: [], depth })
  }
  if (lacksBlobs && target.blobs !== 'none') {
    steps.push({ kind: 'backfill', what: 'blobs', extent: target.blobs, cone: [], depth })
  }
  const isShown = has.worktree === 'full' || (has.worktree === 'cone' && cone.every((one) => has.cone.includes(one)))
  if (target.worktree === 'cone' && rank[target.blobs] === 0 && rank[has.blobs] === 0 && !isShown) {
    steps.push({ kind: 'backfill', what: 'blobs', extent: 'cone', cone, depth })
  }
  return steps
}

/**
 * Whether a fetch may send what its filter lets through. Packs are thin: they hold deltas to what the server believes
 * to be there, and cannot be read where that is missing. A copy with gaps is sent less, the rest by backfill.
 */
export function canTake(has: Has, filter: Filter): boolean {
  if (has.history === 0 || filter === 'tree:0') return true
  return isWhole(has, 'trees') && (filter === 'blob:none' || isWhole(has, 'blobs'))
}

/** Whether an image without gaps turned into one with gaps, whose refreshes must look for missing objects. */
export function isSpoilt(before: Has, after: Has): boolean {
  return (
    (isWhole(before, 'trees') && !isWhole(after, 'trees')) || (isWhole(before, 'blobs') && !isWhole(after, 'blobs'))
  )
}

type FetchStep = Extract<Step, { kind: 'fetch' }>
type BackfillStep = Extract<Step, { kind: 'backfill' }>

const rank = { none: 0, tip: 1, all: 2 } as const

/** Other ids an image with whole history keeps serving. */
const maxOtherTips = 16

/**
 * The server leaves out all it believes to be there: everything the offered commits reach. A copy with gaps is
 * therefore sure of nothing at new tips, and a shallow one keeps only the asked tips, as the boundary may cut others.
 */
function fetched(has: Has, step: FetchStep, commits: readonly string[]): Has {
  const hasNews = step.wants.some((id) => !has.tips.includes(id))
  const after = (what: 'trees' | 'blobs', isSent: boolean): Has['trees'] => {
    if (isSent && (has.history === 0 || isWhole(has, what))) return 'all'
    return hasNews || has[what] === 'none' ? 'none' : 'tip'
  }
  const aimed = aim(has, commits)
  return oneGeneration({
    ...aimed,
    tips: has.history === 'full' ? aimed.tips : commits,
    history: longer(has.history, step.depth),
    trees: after('trees', step.filter !== 'tree:0'),
    blobs: after('blobs', step.filter === 'none'),
  })
}

function isWhole(has: Has, what: 'trees' | 'blobs'): boolean {
  return has[what] === 'all' || (has[what] === 'tip' && has.history === 1)
}

function oneGeneration(has: Has): Has {
  const one = (extent: Has['trees']): Has['trees'] => (extent === 'all' && has.history === 1 ? 'tip' : extent)
  return { ...has, trees: one(has.trees), blobs: one(has.blobs) }
}
