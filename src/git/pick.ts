import { z } from 'zod'
import { AppError } from '../core/errors.ts'
import { plainLine } from './bytes.ts'
import { shortOid } from './commit-record.ts'
import { conclude, stoppable } from './conclude.ts'
import { conflictFields, noConflicts, readConflicts, refuseConflicts } from './conflicts.ts'
import { gitFailure } from './failure.ts'
import { oid, revisionOrNone } from './fields.ts'
import { commitAt } from './head.ts'
import { withLocalChanges } from './local-changes.ts'
import type { Needs } from './operation.ts'
import { findPick, type PickKind } from './pick-contents.ts'
import { given } from './revision.ts'
import type { Git, GitResult } from './run-git.ts'
import { expectUnderWay, readUnderWay, refuseUnderWay } from './under-way.ts'

/** What `cherry-pick` and `revert` take. */
export const pickInput = z.strictObject({
  action: z.enum(['start', 'continue', 'skip', 'abort']).default('start').meta({
    description: 'continue commits once conflicts are resolved and added; skip and abort go back to before.',
  }),
  revision: revisionOrNone,
  mainline: z
    .int()
    .min(1)
    .max(1000)
    .nullable()
    .default(null)
    .meta({ description: 'Of a merge commit, the number of the parent it is compared with, from 1.' }),
  commit: z.boolean().default(true).meta({ description: 'Whether to commit, or only to stage the changes.' }),
})
export type PickInput = z.output<typeof pickInput>

/** What `cherry-pick` and `revert` answer. */
export const pickOutput = z.strictObject({
  outcome: z.enum(['committed', 'staged', 'empty', 'conflicts', 'skipped', 'aborted']).meta({
    description: 'empty: HEAD has it already, so nothing was done. conflicts: it is under way, unless commit is false.',
  }),
  commit: oid.nullable().meta({ description: 'The new commit; null where none was made.' }),
  ...conflictFields,
})
type PickOutput = z.output<typeof pickOutput>

const nothing = { commit: null, ...noConflicts }

/** What git must have to pick or revert a commit: that commit, and the parent it is compared with. */
export function pickNeeds({ action }: PickInput): Needs {
  return action === 'start'
    ? { history: 2, trees: 'all', blobs: 'paths', worktree: 'cone', refs: 'asked' }
    : { history: 1, trees: 'tip', blobs: 'none', worktree: 'cone', refs: 'asked' }
}

/** Picks or reverts a commit, or goes on with what is under way. */
export async function runPick(
  git: Git,
  kind: PickKind,
  { input, signal }: { input: PickInput; signal: AbortSignal },
): Promise<PickOutput> {
  const underWay = await readUnderWay(git, { signal })
  const { action } = input
  if (action === 'start') {
    refuseUnderWay(underWay, kind)
    return start(git, kind, input, signal)
  }
  const { isSequence } = expectUnderWay(underWay, kind, `${action} the ${kind}`)
  if (action === 'continue') return goOn(git, kind, { isSequence, signal })
  return action === 'skip' ? skip(git, kind, 'skipped', signal) : abort(git, kind, signal)
}

/** The answer for people. */
export function plainPick({ outcome, commit, conflicts }: PickOutput): string {
  const made = commit === null ? '' : ` ${shortOid(commit)}`
  return `${outcome}${made}\n${conflicts.map(({ path }) => `  ${plainLine(path)}\n`).join('')}`
}

async function start(git: Git, kind: PickKind, input: PickInput, signal: AbortSignal): Promise<PickOutput> {
  const commit = given(input.revision, kind)
  const { theirs, ours } = await findPick(git, kind, { commit, mainline: input.mainline, signal })
  await refuseConflicts(git, kind, { signal })
  const flags = [
    ...['--no-edit', '--no-gpg-sign', '--no-rerere-autoupdate'],
    ...(kind === 'cherry-pick' ? ['--allow-empty-message'] : []),
    ...(input.commit ? [] : ['--no-commit']),
    ...(input.mainline === null ? [] : [`--mainline=${input.mainline}`]),
  ]
  try {
    const request = { flags, revisions: [commit], config: stoppable, okExitCodes: [0, 1], signal }
    const result = await git(kind, request)
    if (result.exitCode === 0 && !input.commit) return { ...nothing, outcome: 'staged' }
    return await settle(git, kind, { result, signal })
  } catch (error) {
    const anywhere = input.commit ? 'staged' : 'none'
    throw await withLocalChanges(git, error, { steps: [...theirs, ...ours], anywhere, signal })
  }
}

async function goOn(
  git: Git,
  kind: PickKind,
  { isSequence, signal }: { isSequence: boolean; signal: AbortSignal },
): Promise<PickOutput> {
  await refuseConflicts(git, `continue the ${kind}`, { signal })
  // What others began with several commits has more to do than the one commit.
  if (isSequence) {
    const result = await git(kind, { flags: ['--continue'], config: stoppable, okExitCodes: [0, 1], signal })
    return settle(git, kind, { result, signal })
  }
  if (await isNothingStaged(git, signal)) return skip(git, kind, 'empty', signal)
  return { ...nothing, outcome: 'committed', commit: await conclude(git, { message: null, signal }) }
}

async function skip(git: Git, kind: PickKind, outcome: 'skipped' | 'empty', signal: AbortSignal): Promise<PickOutput> {
  try {
    const result = await git(kind, { flags: ['--skip'], config: stoppable, okExitCodes: [0, 1], signal })
    return result.exitCode === 0 ? { ...nothing, outcome } : await settle(git, kind, { result, signal })
  } catch (error) {
    throw await withLocalChanges(git, error, { steps: [], anywhere: 'tracked', signal })
  }
}

async function abort(git: Git, kind: PickKind, signal: AbortSignal): Promise<PickOutput> {
  try {
    await git(kind, { flags: ['--abort'], signal })
    return { ...nothing, outcome: 'aborted' }
  } catch (error) {
    throw await withLocalChanges(git, error, { steps: [], anywhere: 'tracked', signal })
  }
}

/** What a run that ended well, or stopped, has led to. */
async function settle(
  git: Git,
  kind: PickKind,
  { result, signal }: { result: GitResult; signal: AbortSignal },
): Promise<PickOutput> {
  const { exitCode, stderr } = result
  if (exitCode === 0) return { ...nothing, outcome: 'committed', commit: await newHead(git, kind, signal) }
  const error = gitFailure({ subcommand: kind, exitCode, stderr })
  if (error.code !== 'git_failed') throw error
  const left = await readConflicts(git, { signal })
  if (left.conflicts.length > 0 || !(await isNothingStaged(git, signal)))
    return { outcome: 'conflicts', commit: null, ...left }
  // An empty cherry-pick stays under way, an empty revert does not.
  const isUnderWay = (await readUnderWay(git, { signal }))?.kind === kind
  return isUnderWay ? skip(git, kind, 'empty', signal) : { ...nothing, outcome: 'empty' }
}

async function newHead(git: Git, kind: PickKind, signal: AbortSignal): Promise<string> {
  const commit = await commitAt(git, 'HEAD', { signal })
  if (commit === null) throw new AppError('git_failed', `Cannot ${kind}: HEAD leads nowhere afterwards`)
  return commit
}

async function isNothingStaged(git: Git, signal: AbortSignal): Promise<boolean> {
  const head = await commitAt(git, 'HEAD', { signal })
  if (head === null) return false
  const flags = ['--cached', '--quiet', '--ignore-submodules=none']
  return (await git('diff-index', { flags, revisions: [head], okExitCodes: [0, 1], signal })).exitCode === 0
}
