import { readCone } from './cone.ts'
import { pathTree, type PathTree } from './path-tree.ts'
import { isSubmodule, type RawRecord } from './raw-records.ts'
import type { Git } from './run-git.ts'
import { pathKey, readSteps, type Step } from './steps.ts'

/** The two sides of a three-way merge: what leads from its base, or its bases, to either. */
interface Sides {
  /** To what is checked out. */
  readonly ours: readonly Step[]
  readonly theirs: readonly Step[]
  readonly signal: AbortSignal
}

interface Side {
  readonly changes: readonly RawRecord[]
  readonly paths: ReadonlySet<string>
  /** New files. */
  readonly additions: PathTree
}

/**
 * Ids of every file content that a three-way merge can read, and of those it checks out.
 * Contents are read where both sides touch a path, and to find out what a deleted file was renamed to.
 */
export async function mergeContents(git: Git, { ours, theirs, signal }: Sides): Promise<ReadonlySet<string>> {
  const [our, their, isShown] = await Promise.all([
    readSteps(git, ours, { signal }).then(toSide),
    readSteps(git, theirs, { signal }).then(toSide),
    readCone(git, { signal }),
  ])
  const ids = new Set<string>()
  addMerged(ids, our, their)
  addMerged(ids, their, our)
  for (const change of their.changes) if (isShown(change)) addNew(ids, change)
  return ids
}

/** Ids of the contents that going these steps brings into the worktree. */
export async function shownContents(
  git: Git,
  steps: readonly Step[],
  { signal }: { signal: AbortSignal },
): Promise<ReadonlySet<string>> {
  const [changes, isShown] = await Promise.all([readSteps(git, steps, { signal }), readCone(git, { signal })])
  const ids = new Set<string>()
  for (const change of changes) if (isShown(change)) addNew(ids, change)
  return ids
}

/** Ids of the contents on both ends of these steps. */
export async function allContents(
  git: Git,
  steps: readonly Step[],
  { signal }: { signal: AbortSignal },
): Promise<ReadonlySet<string>> {
  const ids = new Set<string>()
  for (const change of await readSteps(git, steps, { signal })) {
    addNew(ids, change)
    addOld(ids, change)
  }
  return ids
}

function toSide(changes: readonly RawRecord[]): Side {
  const additions = pathTree()
  for (const change of changes) if (isAddition(change)) additions.add(pathKey(change))
  return { changes, paths: new Set(changes.map(pathKey)), additions }
}

/** Adds what a merge needs of one side because of what the other did. */
function addMerged(ids: Set<string>, side: Side, other: Side): void {
  const isSearched = asksForRenames(side, other)
  const mayFollow = asksForRenames(other, side)
  for (const change of side.changes) {
    const key = pathKey(change)
    const isTouched = other.paths.has(key)
    if (isTouched || (isSearched && change.status === 'D')) addOld(ids, change)
    // What moves out of the way of a directory, or along with one, is written anew.
    const isMoved = other.additions.leadsTo(key) || (mayFollow && isAddition(change))
    if (isTouched || isMoved || (isSearched && isAddition(change))) addNew(ids, change)
  }
}

/**
 * Whether git has a reason to look for what one side renamed: the other side touched a file that is gone there, or has
 * new files, which would have to follow a renamed directory.
 */
function asksForRenames(side: Side, other: Side): boolean {
  const deleted = side.changes.filter(({ status }) => status === 'D')
  if (deleted.length === 0 || !side.changes.some(isAddition)) return false
  return other.changes.some(isAddition) || deleted.some((change) => other.paths.has(pathKey(change)))
}

function isAddition({ status }: RawRecord): boolean {
  return status === 'A'
}

function addNew(ids: Set<string>, { newMode, newOid }: RawRecord): void {
  if (isContent(newMode)) ids.add(newOid)
}

function addOld(ids: Set<string>, { oldMode, oldOid }: RawRecord): void {
  if (isContent(oldMode)) ids.add(oldOid)
}

function isContent(mode: string): boolean {
  return mode !== '000000' && !isSubmodule(mode)
}
