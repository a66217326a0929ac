import { z } from 'zod'
import { AppError } from '../../core/errors.ts'
import { plainLine } from '../bytes.ts'
import { concluding, stoppable } from '../conclude.ts'
import { conflictFields, noConflicts, readConflicts, refuseConflicts } from '../conflicts.ts'
import { gitFailure } from '../failure.ts'
import { oid, revisionOrNone } from '../fields.ts'
import { readHead, type Head } from '../head.ts'
import { refuseLocalChanges, withLocalChanges } from '../local-changes.ts'
import { defineOperation } from '../operation.ts'
import { headCommit, place, plainPlace } from '../place.ts'
import { rebaseContents } from '../rebase-contents.ts'
import { given } from '../revision.ts'
import type { Git } from '../run-git.ts'
import { expectUnderWay, readUnderWay, refuseUnderWay } from '../under-way.ts'

const input = z.strictObject({
  action: z.enum(['start', 'continue', 'skip', 'abort']).default('start').meta({
    description:
      'continue goes on once conflicts are resolved and added, skip without the commit it stopped at; abort goes back to before.',
  }),
  onto: revisionOrNone.meta({ description: 'What the commits are put on; start cannot do without.' }),
  upstream: revisionOrNone.meta({ description: 'Commits reachable from here are left out; null stands for onto.' }),
})
type Input = z.output<typeof input>

const output = z.strictObject({
  outcome: z.enum(['rebased', 'up-to-date', 'conflicts', 'stopped', 'aborted']).meta({
    description:
      'conflicts: the rebase is under way. stopped: it halts where a list of its own made it, without conflicts.',
  }),
  head: place,
  applied: z.int().meta({ description: 'How many commits were put on top of onto so far.' }),
  ...conflictFields,
  stopped: z
    .strictObject({ commit: oid.nullable(), step: z.int().nullable(), steps: z.int().nullable() })
    .nullable()
    .meta({ description: 'The commit it stopped at, and how far it is; null where no rebase is under way.' }),
})
type Output = z.output<typeof output>

export const rebase = defineOperation({
  name: 'rebase',
  summary: 'Put the commits of HEAD on top of another commit, or go on with a rebase under way.',
  effect: 'write',
  input,
  output,
  example: { onto: 'main' },
  exampleAfter: [{ operation: 'checkout', input: { ref: 'HEAD~1' } }],
  isPure: false,
  needs: ({ action }) =>
    action === 'abort'
      ? { history: 1, trees: 'tip', blobs: 'none', worktree: 'cone', refs: 'asked' }
      : {
          history: 'full',
          trees: 'all',
          blobs: 'paths',
          worktree: 'cone',
          refs: 'asked',
        },
  async blobs(git, input, { signal }) {
    if (input.action === 'abort') return []
    if (input.action === 'start') {
      const head = headCommit(await readHead(git, { signal }), 'rebase')
      return [...(await rebaseContents(git, { head, ...endpoints(input), signal }))]
    }
    // What a program began may lack contents of commits that are still to come.
    const { onto = null, origin = null } = (await readUnderWay(git, { signal }))?.rebase ?? {}
    if (onto === null || origin === null) return []
    return [...(await rebaseContents(git, { head: origin, onto, upstream: onto, signal }))]
  },
  async run(git, input, { signal }) {
    const underWay = await readUnderWay(git, { signal })
    if (input.action === 'start') {
      refuseUnderWay(underWay, 'rebase')
      return start(git, input, signal)
    }
    const { rebase, commit } = expectUnderWay(underWay, 'rebase', `${input.action} the rebase`)
    const onto = rebase?.onto ?? null
    return input.action === 'abort' ? abort(git, signal) : goOn(git, input.action, { onto, at: commit, signal })
  },
  plain({ outcome, head, applied, conflicts }) {
    const paths = conflicts.map(({ path }) => `  ${plainLine(path)}\n`).join('')
    return `${outcome}: ${plainPlace(head)}, ${applied} applied\n${paths}`
  },
})

// Never interactive, and nothing of a repository's own settings for it.
const startFlags: readonly string[] = [
  ...['--merge', '--quiet', '--no-stat', '--empty=drop', '--keep-empty', '--no-reapply-cherry-picks'],
  ...['--no-autosquash', '--no-autostash', '--no-update-refs', '--no-rebase-merges', '--no-fork-point'],
  ...['--no-verify', '--no-gpg-sign', '--no-signoff', '--no-rerere-autoupdate', '--no-reschedule-failed-exec'],
]

// A git that broke off has left the rebase under way, just as one that stopped.
const okExitCodes: readonly number[] = [0, 1, 128]

async function start(git: Git, input: Input, signal: AbortSignal): Promise<Output> {
  const { onto, upstream } = endpoints(input)
  const before = await readHead(git, { signal })
  const from = headCommit(before, 'rebase')
  await refuseConflicts(git, 'rebase', { signal })
  await refuseLocalChanges(git, { action: 'rebase', staged: true, signal })
  const { exitCode, stderr } = await git('rebase', {
    flags: [...startFlags, `--onto=${onto}`],
    revisions: [upstream],
    config: stoppable,
    okExitCodes,
    signal,
  })
  const found = await settle(git, { onto, signal })
  if (exitCode === 0) return isSame(before, found.head) ? { ...found, outcome: 'up-to-date', applied: 0 } : found
  const error = gitFailure({ subcommand: 'rebase', exitCode, stderr })
  if (found.stopped !== null && error.code === 'git_failed') return { ...found, outcome: 'conflicts' }
  // Something other than a conflict stopped it, so that it cannot be resolved: as if it had never begun.
  const steps = [from, found.stopped?.commit ?? onto].map((to) => ({ from: onto, to }))
  const explained = await withLocalChanges(git, error, { steps, anywhere: 'none', signal })
  if (found.stopped !== null) await abort(git, signal)
  throw explained
}

async function goOn(
  git: Git,
  action: 'continue' | 'skip',
  { onto, at, signal }: { onto: string | null; at: string | null; signal: AbortSignal },
): Promise<Output> {
  if (action === 'continue') {
    await refuseConflicts(git, 'continue the rebase', { signal })
    await refuseLocalChanges(git, { action: 'continue the rebase', staged: false, signal })
  }
  const config = await concluding(git, { signal })
  const { exitCode, stderr } = await git('rebase', { flags: [`--${action}`], config, okExitCodes, signal })
  const found = await settle(git, { onto, signal })
  if (exitCode === 0) return found
  const error = gitFailure({ subcommand: 'rebase', exitCode, stderr })
  const isNew = found.conflicts.length > 0 || found.stopped?.commit !== at
  if (found.stopped !== null && error.code === 'git_failed' && isNew) return { ...found, outcome: 'conflicts' }
  if (error.code === 'objects_missing') {
    throw new AppError(
      'git_failed',
      `Cannot ${action} the rebase: git broke off within a commit, which it now leaves out`,
      {
        details: error.details,
        cause: error,
      },
    )
  }
  const [from, to] = [found.head.commit, found.stopped?.commit ?? null]
  const steps = from === null || to === null ? [] : [{ from, to }]
  throw await withLocalChanges(git, error, { steps, anywhere: 'none', signal })
}

async function abort(git: Git, signal: AbortSignal): Promise<Output> {
  try {
    await git('rebase', { flags: ['--abort'], signal })
  } catch (error) {
    throw await withLocalChanges(git, error, { steps: [], anywhere: 'tracked', signal })
  }
  const head = await readHead(git, { signal })
  return { outcome: 'aborted', head, applied: 0, ...noConflicts, stopped: null }
}

/** Where the rebase is now, read from the repository. */
async function settle(git: Git, { onto, signal }: { onto: string | null; signal: AbortSignal }): Promise<Output> {
  const [head, underWay, left] = await Promise.all([
    readHead(git, { signal }),
    readUnderWay(git, { signal }),
    readConflicts(git, { signal }),
  ])
  const applied = onto === null || head.commit === null ? 0 : await countBetween(git, onto, head.commit, signal)
  const rest = { head: { ...head }, applied, ...left }
  if (underWay === null || underWay.rebase === null) return { ...rest, outcome: 'rebased', stopped: null }
  const { step, steps } = underWay.rebase
  const outcome = left.conflicts.length > 0 ? 'conflicts' : 'stopped'
  return { ...rest, outcome, stopped: { commit: underWay.commit, step, steps } }
}

async function countBetween(git: Git, from: string, to: string, signal: AbortSignal): Promise<number> {
  const request = { flags: ['--count'], operands: [`${from}..${to}`], commitsOnly: true, signal }
  const count = Number((await git('rev-list', request)).text)
  if (!Number.isSafeInteger(count)) throw new AppError('git_failed', 'Cannot read the output of git: not a count')
  return count
}

function endpoints(input: Input): { onto: string; upstream: string } {
  const onto = given(input.onto, 'rebase')
  return { onto, upstream: input.upstream === null ? onto : given(input.upstream, 'rebase') }
}

function isSame(a: Head, b: Head): boolean {
  return a.commit === b.commit && a.branch === b.branch
}
