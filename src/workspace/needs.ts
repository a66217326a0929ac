import type { Needs } from '../git/operation.ts'

/**
 * What a working copy holds. `paths` cannot occur: what a path needs is only known while an operation runs.
 * `worktree` is the checkout of the first tip; history, trees and blobs hold for every tip.
 */
export interface Has extends Needs {
  readonly trees: WholeExtent
  readonly blobs: WholeExtent
  /** Directories checked out where `worktree` is `cone`, none inside another. */
  readonly cone: readonly string[]
  /** Ids it was fetched for; `history` is counted from each. */
  readonly tips: readonly string[]
}

type WholeExtent = 'none' | 'tip' | 'all'

/** What an empty repository holds. */
export const blank: Has = {
  history: 0,
  trees: 'none',
  blobs: 'none',
  worktree: 'none',
  refs: 'asked',
  cone: [],
  tips: [],
}

const worktrees = ['none', 'cone', 'full'] as const

/** Adds what is implied: files need blobs, blobs need trees, trees need a commit; with one generation `all` is `tip`. */
export function normalise(needs: Needs): Needs {
  const blobs = needs.worktree === 'full' ? joinBlobs(needs.blobs, 'tip', needs.history) : needs.blobs
  const treesForBlobs = blobs === 'all' ? 'all' : blobs === 'none' && needs.worktree === 'none' ? 'none' : 'tip'
  // No filter can ask for the trees of some paths only.
  const treesAsked = needs.trees === 'paths' ? 'all' : needs.trees
  const trees = higher(treesAsked, treesForBlobs)
  const history = trees !== 'none' && needs.history === 0 ? 1 : needs.history
  const isOne = history === 1
  return {
    ...needs,
    history,
    trees: isOne && trees === 'all' ? 'tip' : trees,
    blobs: isOne && blobs === 'all' ? 'tip' : blobs,
  }
}

/** The part of the needs that a working copy can hold for later; blobs of paths are brought while the operation runs. */
export function lasting(needs: Needs): Needs & Pick<Has, 'trees' | 'blobs'> {
  const { trees, blobs, ...rest } = normalise(needs)
  return {
    ...rest,
    trees: trees === 'paths' ? 'all' : trees,
    blobs: blobs === 'paths' ? 'none' : blobs,
  }
}

/** The least needs that satisfy both. */
export function join(a: Needs, b: Needs): Needs {
  const [left, right] = [normalise(a), normalise(b)]
  const history = longer(left.history, right.history)
  return normalise({
    history,
    trees: higher(left.trees, right.trees),
    blobs: joinBlobs(left.blobs, right.blobs, history),
    worktree: worktrees[Math.max(worktrees.indexOf(left.worktree), worktrees.indexOf(right.worktree))] ?? 'full',
    refs: left.refs === 'tags' || right.refs === 'tags' ? 'tags' : 'asked',
  })
}

/** Whether an operation can run on what is there without anything being brought; an empty `cone` is everything. */
export function covers(has: Has, needs: Needs, cone: readonly string[] = []): boolean {
  const asked = normalise(needs)
  return (
    longer(has.history, asked.history) === has.history &&
    higher(has.trees, asked.trees) === has.trees &&
    joinBlobs(has.blobs, asked.blobs, asked.history) === has.blobs &&
    coversWorktree(has, asked.worktree, cone) &&
    (asked.refs === 'asked' || has.refs === 'tags')
  )
}

/** Whether the working copy covers the needs for exactly these ids, the first of which a worktree must show. */
export function serves(
  has: Has,
  needs: Needs,
  { commits, cone }: { readonly commits: readonly string[]; readonly cone: readonly string[] },
): boolean {
  const isAtHead = needs.worktree === 'none' || has.tips[0] === commits[0]
  return isAtHead && commits.every((commit) => has.tips.includes(commit)) && covers(has, needs, cone)
}

/** The longer of two histories. */
export function longer(a: Needs['history'], b: Needs['history']): Needs['history'] {
  return a === 'full' || b === 'full' ? 'full' : Math.max(a, b)
}

/** The same working copy once its history was found to go back to its beginnings. */
export function withWholeHistory(has: Has): Has {
  // Of one generation, what the tips have is all there is.
  const grown = (extent: WholeExtent): WholeExtent => (has.history === 1 && extent === 'tip' ? 'all' : extent)
  return { ...has, history: 'full', trees: grown(has.trees), blobs: grown(has.blobs) }
}

/** Whether objects are missing on purpose, which git must not take for damage. */
export function hasGaps({ history, trees, blobs }: Has): boolean {
  const isWhole = (extent: WholeExtent): boolean => extent === 'all' || (extent === 'tip' && history === 1)
  return !isWhole(trees) || !isWhole(blobs)
}

/** Both cones as one, sorted, without directories that lie inside another. */
export function joinCones(a: readonly string[], b: readonly string[]): readonly string[] {
  const all = [...new Set([...a, ...b])].toSorted()
  return all.filter((directory) => !all.some((other) => other !== directory && isInside(directory, other)))
}

/** Whether a worktree shows the files of exactly this cone; an image with more of them would answer otherwise. */
export function showsOnly({ worktree, cone }: Pick<Has, 'worktree' | 'cone'>, asked: readonly string[]): boolean {
  const wanted = joinCones(asked, [])
  return worktree === 'cone' && cone.length === wanted.length && wanted.every((each) => cone.includes(each))
}

function coversWorktree(has: Has, asked: Needs['worktree'], cone: readonly string[]): boolean {
  if (asked === 'none' || has.worktree === 'full') return true
  if (asked === 'full' || has.worktree === 'none' || cone.length === 0) return false
  return cone.every((directory) => has.cone.some((other) => isInside(directory, other)))
}

function isInside(directory: string, other: string): boolean {
  return directory === other || directory.startsWith(`${other}/`)
}

function higher<Level extends Needs['trees']>(a: Level, b: Level): Level {
  const order = ['none', 'paths', 'tip', 'all']
  return order.indexOf(a) >= order.indexOf(b) ? a : b
}

/** Paths may reach into history, so beyond one generation neither `paths` nor `tip` contains the other. */
function joinBlobs(a: Needs['blobs'], b: Needs['blobs'], history: Needs['history']): Needs['blobs'] {
  const isPair = (a === 'paths' && b === 'tip') || (a === 'tip' && b === 'paths')
  return isPair && history !== 0 && history !== 1 ? 'all' : higher(a, b)
}
