import { AppError } from '../core/errors.ts'
import { commitsAt } from './head.ts'
import { isOid } from './revision.ts'
import type { Git } from './run-git.ts'

export type UnderWayKind = 'merge' | 'rebase' | 'cherry-pick' | 'revert' | 'am'

/** What was begun in a repository and not brought to its end. */
export interface UnderWay {
  readonly kind: UnderWayKind
  /** The commit being merged, picked or reverted, or that a rebase stopped at; `null` where it stopped at none. */
  readonly commit: string | null
  /** Whether git keeps a list of further commits to pick or revert. */
  readonly isSequence: boolean
  /** Set for a rebase. */
  readonly rebase: RebaseState | null
}

export interface RebaseState {
  /** The branch that is moved in the end; `null` where HEAD was detached. */
  readonly branch: string | null
  readonly onto: string | null
  /** Where the branch was before. */
  readonly origin: string | null
  readonly step: number | null
  readonly steps: number | null
}

const pseudoRefs = ['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'REBASE_HEAD'] as const
// The files git's own shell prompt reads, of both ways to rebase; `am` has the last two as well.
const stateFiles = [
  ...[
    'rebase-merge/head-name',
    'rebase-merge/onto',
    'rebase-merge/orig-head',
    'rebase-merge/msgnum',
    'rebase-merge/end',
  ],
  ...[
    'rebase-apply/head-name',
    'rebase-apply/onto',
    'rebase-apply/orig-head',
    'rebase-apply/next',
    'rebase-apply/last',
  ],
  'sequencer/todo',
] as const
const newline = 0x0a

/** What is under way; `null` where nothing is. */
export async function readUnderWay(git: Git, { signal }: { signal: AbortSignal }): Promise<UnderWay | null> {
  const [commits, files] = await Promise.all([commitsAt(git, pseudoRefs, { signal }), readStateFiles(git, signal)])
  const refs = new Map(pseudoRefs.map((name, index) => [name, commits[index] ?? null]))
  const isSequence = files.has('sequencer/todo')
  const rebase = rebaseState(files)
  if (rebase !== null) return { kind: 'rebase', commit: refs.get('REBASE_HEAD') ?? null, isSequence, rebase }
  if (files.has('rebase-apply/next')) return { kind: 'am', commit: null, isSequence, rebase }
  for (const [name, kind] of kinds) {
    const commit = refs.get(name) ?? null
    if (commit !== null) return { kind, commit, isSequence, rebase }
  }
  // Between two commits of a list git notes none of them.
  if (!isSequence) return null
  const kind = files.get('sequencer/todo')?.startsWith('revert ') ? 'revert' : 'cherry-pick'
  return { kind, commit: null, isSequence, rebase }
}

/** Refuses to begin anything while something is under way. */
export function refuseUnderWay(underWay: UnderWay | null, action: string): void {
  if (underWay === null) return
  throw new AppError('already_in_progress', `Cannot ${action}: a ${underWay.kind} is under way`, {
    details: { kind: underWay.kind, commit: underWay.commit },
  })
}

/** Refuses to go on with what was never begun. */
export function expectUnderWay(underWay: UnderWay | null, kind: UnderWayKind, action: string): UnderWay {
  if (underWay?.kind === kind) return underWay
  const fact = underWay === null ? `no ${kind}` : `not a ${kind} but a ${underWay.kind}`
  throw new AppError('not_in_progress', `Cannot ${action}: ${fact} is under way`, {
    details: { kind: underWay?.kind ?? null },
  })
}

const kinds = [
  ['MERGE_HEAD', 'merge'],
  ['CHERRY_PICK_HEAD', 'cherry-pick'],
  ['REVERT_HEAD', 'revert'],
] as const

/** The first line of each file that exists: git itself looks for them, so no path of a sandbox is opened from outside. */
async function readStateFiles(git: Git, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const flags = ['--no-index', '-z', '--max-count=1', '--text', '--no-textconv', '--no-color', '-e^']
  const request = { flags, paths: stateFiles, okExitCodes: [0, 1], commitsOnly: true, signal }
  return git.read('grep', { ...request, maxOutputBytes: 65_536 }, async (reader) => {
    const found = new Map<string, string>()
    for (let path = await reader.until(0); path !== null; path = await reader.until(0))
      found.set(path.toString('latin1'), ((await reader.until(newline)) ?? Buffer.alloc(0)).toString('utf8').trim())
    return found
  })
}

function rebaseState(files: ReadonlyMap<string, string>): RebaseState | null {
  const isMerge = files.has('rebase-merge/head-name')
  const folder = isMerge ? 'rebase-merge' : 'rebase-apply'
  const name = files.get(`${folder}/head-name`)
  if (name === undefined) return null
  const oidIn = (file: string) => {
    const id = files.get(`${folder}/${file}`) ?? ''
    return isOid(id) ? id : null
  }
  return {
    branch: name.startsWith('refs/heads/') ? name.slice('refs/heads/'.length) : null,
    onto: oidIn('onto'),
    origin: oidIn('orig-head'),
    step: count(files.get(`${folder}/${isMerge ? 'msgnum' : 'next'}`)),
    steps: count(files.get(`${folder}/${isMerge ? 'end' : 'last'}`)),
  }
}

function count(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : null
}
