import { z } from 'zod'
import { AppError, hasCode } from '../../core/errors.ts'
import { shortOid } from '../commit-record.ts'
import { plainLine } from '../bytes.ts'
import { treeBlobs } from '../blobs.ts'
import { conclude, stoppable } from '../conclude.ts'
import { conflictFields, noConflicts, readConflicts, refuseConflicts } from '../conflicts.ts'
import { gitFailure } from '../failure.ts'
import { oid, revisionOrNone } from '../fields.ts'
import { commitAt } from '../head.ts'
import { withLocalChanges } from '../local-changes.ts'
import { mergeHistoriesContents, readMergeBases } from '../merge-bases.ts'
import { message } from '../message.ts'
import { defineOperation } from '../operation.ts'
import { given } from '../revision.ts'
import type { Git } from '../run-git.ts'
import { expectUnderWay, readUnderWay, refuseUnderWay } from '../under-way.ts'

const input = z.strictObject({
  action: z
    .enum(['start', 'continue', 'abort'])
    .default('start')
    .meta({ description: 'continue commits once conflicts are resolved and added; abort goes back to before.' }),
  revision: revisionOrNone,
  fastForward: z
    .enum(['allow', 'only', 'never'])
    .default('allow')
    .meta({ description: 'Whether HEAD may, or must, simply move where it has no commits of its own.' }),
  message: message.meta({ description: 'What the merge commit says; null is what git says by itself.' }),
  squash: z
    .boolean()
    .default(false)
    .meta({ description: 'Whether to stage the changes only, for a commit without a second parent.' }),
})
type Input = z.output<typeof input>

const output = z.strictObject({
  outcome: z.enum(['merged', 'fast-forward', 'up-to-date', 'diverged', 'squashed', 'conflicts', 'aborted']).meta({
    description:
      'diverged: fastForward is only, and both sides have commits of their own; nothing was done. conflicts: the merge is under way.',
  }),
  commit: oid.nullable().meta({ description: 'Where HEAD is now; null where commits are still to be made.' }),
  ...conflictFields,
})
type Output = z.output<typeof output>

export const merge = defineOperation({
  name: 'merge',
  summary: 'Merge a revision into what is checked out, or go on with a merge under way.',
  effect: 'write',
  input,
  output,
  example: { revision: 'main' },
  exampleAfter: [{ operation: 'checkout', input: { ref: 'HEAD~1' } }],
  isPure: false,
  needs: ({ action }) =>
    action === 'start'
      ? { history: 'full', trees: 'all', blobs: 'paths', worktree: 'cone', refs: 'asked' }
      : { history: 1, trees: 'tip', blobs: 'none', worktree: 'cone', refs: 'asked' },
  async blobs(git, { action, revision }, { signal }) {
    if (action !== 'start') return []
    const theirs = given(revision, 'merge')
    const ours = await commitAt(git, 'HEAD', { signal })
    if (ours === null) return treeBlobs(git, { commit: theirs, paths: [], recursive: true, signal })
    return [...(await mergeHistoriesContents(git, { ours, theirs, signal }))]
  },
  async run(git, input, { signal }) {
    const underWay = await readUnderWay(git, { signal })
    if (input.action === 'start') {
      refuseUnderWay(underWay, 'merge')
      return start(git, input, signal)
    }
    expectUnderWay(underWay, 'merge', `${input.action} the merge`)
    return input.action === 'continue' ? goOn(git, input, signal) : abort(git, signal)
  },
  plain({ outcome, commit, conflicts }) {
    const head = commit === null ? '' : ` ${shortOid(commit)}`
    return `${outcome}${head}\n${conflicts.map(({ path }) => `  ${plainLine(path)}\n`).join('')}`
  },
})

async function start(git: Git, input: Input, signal: AbortSignal): Promise<Output> {
  const theirs = given(input.revision, 'merge')
  const [ours] = await Promise.all([commitAt(git, 'HEAD', { signal }), refuseConflicts(git, 'merge', { signal })])
  if (input.squash && input.fastForward === 'never') {
    throw new AppError('input_invalid', 'Cannot merge: a squash makes no merge commit, so fastForward cannot be never')
  }
  if (ours === null) return startFromNothing(git, input, theirs, signal)
  const bases = await readMergeBases(git, { ours, theirs, signal })
  if (bases.length === 0) {
    throw new AppError('histories_unrelated', 'Cannot merge: the histories have no commit in common', {
      details: { ours, theirs },
    })
  }
  if (bases.includes(theirs)) return { outcome: 'up-to-date', commit: ours, ...noConflicts }
  if (input.fastForward === 'only' && !bases.includes(ours))
    return { outcome: 'diverged', commit: ours, ...noConflicts }
  const { exitCode, stderr } = await git('merge', {
    flags: mergeFlags(input),
    revisions: [theirs],
    config: stoppable,
    okExitCodes: [0, 1, 2],
    signal,
  })
  if (exitCode === 0) return finished(git, { theirs, squash: input.squash, signal })
  const error = gitFailure({ subcommand: 'merge', exitCode, stderr })
  // Exit code 1 says that conflicts are left, or that files are in the way of a fast-forward; 2 that nothing was merged.
  if (exitCode === 1 && hasCode(error, 'git_failed'))
    return { outcome: 'conflicts', commit: null, ...(await readConflicts(git, { signal })) }
  // Git takes an index that somebody holds for a conflict, though nothing was merged.
  if (hasCode(error, 'workspace_busy')) await git('merge', { flags: ['--quit'], signal })
  throw await withLocalChanges(git, error, { steps: [{ from: ours, to: theirs }], anywhere: 'staged', signal })
}

/** On a branch without commits there is nothing to merge with: it simply begins where the other one is. */
async function startFromNothing(git: Git, input: Input, theirs: string, signal: AbortSignal): Promise<Output> {
  if (input.squash || input.fastForward === 'never') {
    throw new AppError('input_invalid', 'Cannot merge: HEAD has no commits, so it can only be fast-forwarded')
  }
  try {
    await git('merge', { flags: mergeFlags(input), revisions: [theirs], config: stoppable, signal })
  } catch (error) {
    throw await withLocalChanges(git, error, { steps: [], anywhere: 'tracked', signal })
  }
  return { outcome: 'fast-forward', commit: theirs, ...noConflicts }
}

async function finished(
  git: Git,
  { theirs, squash, signal }: { theirs: string; squash: boolean; signal: AbortSignal },
): Promise<Output> {
  if (squash) return { outcome: 'squashed', commit: null, ...noConflicts }
  const commit = await commitAt(git, 'HEAD', { signal })
  return { outcome: commit === theirs ? 'fast-forward' : 'merged', commit, ...noConflicts }
}

async function goOn(git: Git, { message }: Input, signal: AbortSignal): Promise<Output> {
  await refuseConflicts(git, 'continue the merge', { signal })
  return { outcome: 'merged', commit: await conclude(git, { message, signal }), ...noConflicts }
}

async function abort(git: Git, signal: AbortSignal): Promise<Output> {
  try {
    await git('merge', { flags: ['--abort'], signal })
  } catch (error) {
    throw await withLocalChanges(git, error, { steps: [], anywhere: 'tracked', signal })
  }
  return { outcome: 'aborted', commit: await commitAt(git, 'HEAD', { signal }), ...noConflicts }
}

function mergeFlags({ fastForward, message, squash }: Input): readonly string[] {
  return [
    // Without a diffstat, which would read every content once more.
    ...[
      '--no-edit',
      '--no-stat',
      '--no-progress',
      '--no-verify',
      '--no-gpg-sign',
      '--no-verify-signatures',
      '--no-log',
    ],
    ...['--no-signoff', '--no-autostash', '--no-rerere-autoupdate', '--no-allow-unrelated-histories'],
    ...['--strategy=ort', '--cleanup=scissors'],
    { allow: '--ff', only: '--ff-only', never: '--no-ff' }[fastForward],
    ...(squash ? ['--squash'] : ['--no-squash', '--commit']),
    ...(message === null ? [] : [`-m${message}`]),
  ]
}
