import assert from 'node:assert/strict'
import type { Has } from '../../src/workspace/needs.ts'
import type { Step } from '../../src/workspace/steps.ts'

/** A small history; files are `a/f` and `b/f`, and few contents exist, so that old ones come back. */
export interface ModelRepository {
  readonly commits: readonly ModelCommit[]
  /** Whether the server leaves out all that the offered commits reach, or only what their own trees hold. */
  readonly omitsReachable: boolean
  readonly hasFilter: boolean
  readonly hasShallow: boolean
}

export interface ModelCommit {
  readonly parents: readonly number[]
  readonly a: number
  readonly b: number
}

/** A clone of it, object by object; ids of commits are their indexes. */
export interface ModelClone {
  readonly commits: ReadonlySet<number>
  readonly shallow: ReadonlySet<number>
  readonly objects: ReadonlySet<string>
  readonly refs: readonly number[]
  readonly worktree: { readonly commit: number; readonly folders: string } | null
}

export const emptyClone: ModelClone = {
  commits: new Set(),
  shallow: new Set(),
  objects: new Set(),
  refs: [],
  worktree: null,
}

type Depth = number | 'full'

/** What a plan is carried out for. */
export interface ModelRequest {
  readonly commits: readonly number[]
  readonly depth: Depth
}

/** Carries out one step as git would; throws where git would fail or answer wrongly. */
export function execute(repository: ModelRepository, clone: ModelClone, step: Step, request: ModelRequest): ModelClone {
  if (step.kind === 'fork') return clone
  if (step.kind === 'fetch') return fetchStep(repository, clone, step)
  const [head = 0] = request.commits
  if (step.kind === 'checkout') {
    const folders = step.cone.length === 0 ? 'ab' : step.cone.join('')
    for (const id of [...treesOf(repository, head), ...blobsOf(repository, head, folders)]) {
      assert(clone.objects.has(id), `checkout needs ${id}`)
    }
    return { ...clone, worktree: { commit: head, folders } }
  }
  const listed = step.extent === 'cone' ? [head] : request.commits
  const depth = step.extent === 'paths' ? request.depth : step.extent === 'all' ? step.depth : 1
  const range = within(repository, listed, depth)
  const folders = step.extent === 'cone' ? step.cone.join('') : step.extent === 'paths' ? 'a' : 'ab'
  if (step.what === 'blobs' && step.extent !== 'tip' && step.extent !== 'all') {
    for (const commit of step.extent === 'cone' ? [head] : range.keys()) assertTrees(repository, clone, commit)
  }
  const brought = [...range.keys()].flatMap((commit) => {
    assert(clone.commits.has(commit), `backfill reads commit ${commit}`)
    const withBlobs = step.what === 'blobs' ? blobsOf(repository, commit, folders) : []
    return [...treesOf(repository, commit), ...withBlobs]
  })
  return { ...clone, objects: new Set([...clone.objects, ...brought]) }
}

/** Throws unless the clone really holds what `has` says. */
export function assertHolds(repository: ModelRepository, clone: ModelClone, has: Has): void {
  for (const tip of has.tips.map(Number)) {
    for (const commit of within(repository, [tip], has.history).keys()) {
      assert(walk(repository, clone, [tip]).has(commit), `history of ${tip} reaches ${commit}`)
      const isIn = (extent: Has['trees']): boolean => extent === 'all' || (extent === 'tip' && commit === tip)
      if (isIn(has.trees)) assertTrees(repository, clone, commit)
      if (isIn(has.blobs)) {
        for (const id of blobsOf(repository, commit, 'ab')) assert(clone.objects.has(id), `${id} of ${commit}`)
      }
    }
  }
  if (has.worktree === 'none') return
  const folders = has.worktree === 'full' ? 'ab' : has.cone.join('')
  assert.deepEqual(clone.worktree, { commit: Number(has.tips[0]), folders })
}

/** Commits at a distance below `depth`, with their distance. */
export function within(repository: ModelRepository, tips: readonly number[], depth: Depth): Map<number, number> {
  const found = new Map<number, number>()
  let level = [...tips]
  const end = depth === 'full' ? repository.commits.length : depth
  for (let distance = 0; level.length > 0 && distance < end; distance += 1) {
    const fresh = level.filter((commit) => !found.has(commit))
    for (const commit of fresh) found.set(commit, distance)
    level = fresh.flatMap((commit) => repository.commits[commit]?.parents ?? [])
  }
  return found
}

export function blobsOf(repository: ModelRepository, commit: number, folders: string): string[] {
  const files = repository.commits[commit]
  return folders.split('').map((folder) => `blob ${folder}${folder === 'a' ? files?.a : files?.b}`)
}

export function treesOf(repository: ModelRepository, commit: number): string[] {
  const files = repository.commits[commit]
  return [`tree a${files?.a}`, `tree b${files?.b}`, `tree a${files?.a} b${files?.b}`]
}

function assertTrees(repository: ModelRepository, clone: ModelClone, commit: number): void {
  for (const id of treesOf(repository, commit)) assert(clone.objects.has(id), `${id} of ${commit}`)
}

/** Commits git sees from some ids: it stops at the shallow boundary and fails where one is missing. */
function walk(repository: ModelRepository, clone: ModelClone, from: readonly number[]): Set<number> {
  const seen = new Set<number>()
  const stack = [...from]
  for (let commit = stack.pop(); commit !== undefined; commit = stack.pop()) {
    if (seen.has(commit)) continue
    assert(clone.commits.has(commit), `commit ${commit} is missing inside the boundary`)
    seen.add(commit)
    if (!clone.shallow.has(commit)) stack.push(...(repository.commits[commit]?.parents ?? []))
  }
  return seen
}

function fetchStep(repository: ModelRepository, clone: ModelClone, step: Step & { kind: 'fetch' }): ModelClone {
  assert(repository.hasShallow || (clone.shallow.size === 0 && step.depth === 'full'), 'the server knows no shallow')
  const wants = step.wants.map(Number)
  const haves = walk(repository, clone, clone.refs)
  const range = within(repository, wants, step.depth)
  const shallow = new Set(clone.shallow)
  for (const [commit, distance] of range) {
    const isEdge = step.depth !== 'full' && distance === step.depth - 1
    if (isEdge && repository.commits[commit]?.parents.length !== 0) shallow.add(commit)
    else if (!isEdge) shallow.delete(commit)
  }
  const known = repository.omitsReachable ? [...haves] : clone.refs
  const omitted = new Set(known.flatMap((commit) => objectsOf(repository, commit, 'none')))
  const filter = repository.hasFilter ? step.filter : 'none'
  // Packs are thin: what is sent may be a delta to anything of its kind the server believes to be there.
  for (const id of omitted) {
    const isSent = id.startsWith('tree') ? filter !== 'tree:0' : filter === 'none'
    assert(!isSent || clone.objects.has(id), `a delta needs ${id}`)
  }
  const sent = [...range.keys()].filter((commit) => !haves.has(commit))
  const objects = sent.flatMap((commit) => objectsOf(repository, commit, filter)).filter((id) => !omitted.has(id))
  return {
    ...clone,
    commits: new Set([...clone.commits, ...sent]),
    shallow,
    objects: new Set([...clone.objects, ...objects]),
  }
}

function objectsOf(
  repository: ModelRepository,
  commit: number,
  filter: 'none' | 'blob:none' | 'tree:0',
): readonly string[] {
  const trees = filter === 'tree:0' ? [] : treesOf(repository, commit)
  return filter === 'none' ? [...trees, ...blobsOf(repository, commit, 'ab')] : trees
}
