import { AppError } from '../core/errors.ts'
import { readLinks } from './commit-links.ts'
import { commitAt } from './head.ts'
import { allContents, mergeContents } from './merge-contents.ts'
import type { Git } from './run-git.ts'
import type { Step } from './steps.ts'

export type PickKind = 'cherry-pick' | 'revert'

interface Pick {
  readonly commit: string
  readonly mainline: number | null
  readonly signal: AbortSignal
}

/** The two sides of a pick or a revert: what the commit did, or undoes, and what leads to HEAD. */
interface PickSides {
  readonly theirs: readonly Step[]
  /** Empty where HEAD has no commit. */
  readonly ours: readonly Step[]
}

/** Finds what a commit is compared with; throws `input_invalid` where a merge does not say, or the parent is not there. */
export async function findPick(git: Git, kind: PickKind, { commit, mainline, signal }: Pick): Promise<PickSides> {
  const [{ parents }, head] = await Promise.all([readLinks(git, commit, { signal }), commitAt(git, 'HEAD', { signal })])
  if (parents.length > 1 && mainline === null) {
    throw new AppError('input_invalid', `Cannot ${kind}: the commit is a merge, so mainline must name one parent`, {
      details: { commit, parents },
    })
  }
  if (mainline !== null && mainline > parents.length) {
    throw new AppError('input_invalid', `Cannot ${kind}: mainline names a parent that the commit does not have`, {
      details: { commit, parents },
    })
  }
  const parent = parents[(mainline ?? 1) - 1] ?? null
  const [from, to] = kind === 'cherry-pick' || parent === null ? [parent, commit] : [commit, parent]
  // Without a parent, what HEAD has at the same paths is met.
  return { theirs: [{ from, to }], ours: head === null ? [] : [{ from: from ?? commit, to: head }] }
}

/** Ids of the contents that a pick or a revert can read. */
export async function pickContents(git: Git, kind: PickKind, pick: Pick): Promise<readonly string[]> {
  const { signal } = pick
  const { theirs, ours } = await findPick(git, kind, pick)
  const found = await Promise.all([mergeContents(git, { ours, theirs, signal }), allContents(git, theirs, { signal })])
  return [...new Set(found.flatMap((ids) => [...ids]))]
}
