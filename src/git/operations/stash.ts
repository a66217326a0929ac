import { z } from 'zod'
import { AppError } from '../../core/errors.ts'
import { escapeLine } from '../../core/escape.ts'
import { plainLine } from '../bytes.ts'
import { conflictFields, noConflicts, readConflicts, refuseConflicts, type Conflicts } from '../conflicts.ts'
import { gitFailure } from '../failure.ts'
import { limit } from '../fields.ts'
import { commitAt } from '../head.ts'
import { blobsToCheckOut, stagedBlobs } from '../index-changes.ts'
import { defineOperation } from '../operation.ts'
import type { Git, GitRequest } from '../run-git.ts'
import { readStashes, refuseLockedIndex, refuseOverwriting, stashEntry, type Stash } from '../stashes.ts'

const input = z.strictObject({
  action: z.enum(['push', 'pop', 'apply', 'drop', 'list']).meta({
    description: 'push puts changes aside; pop and apply bring them back, and pop then drops them, unless in conflict.',
  }),
  message: z
    .string()
    .min(1)
    .max(1000)
    .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), 'it holds control characters')
    .nullable()
    .default(null)
    .meta({ description: 'What push names it.' }),
  includeUntracked: z
    .boolean()
    .default(false)
    .meta({ description: 'Whether push takes files git does not know, too.' }),
  index: z.int().min(0).max(1_000_000).default(0).meta({ description: 'Which stash; 0 is the newest.' }),
  limit: limit(100),
})
type Input = z.output<typeof input>

interface Outcome extends Conflicts {
  readonly stash: Stash | null
}

export const stash = defineOperation({
  name: 'stash',
  summary: 'Put changes aside, bring them back, or list what was put aside.',
  effect: 'write',
  input,
  output: z.strictObject({
    action: input.shape.action,
    stash: stashEntry
      .nullable()
      .meta({ description: 'The one this was about; null where there was nothing to put aside.' }),
    conflicts: conflictFields.conflicts.meta({
      description: 'Where pop or apply met other changes; the stash is kept then.',
    }),
    stashes: z.array(stashEntry).meta({ description: 'What is put aside now, the newest first.' }),
    truncated: z.boolean().meta({ description: 'Whether there are more stashes or conflicts than are listed.' }),
  }),
  example: { action: 'push' },
  exampleAfter: [{ operation: 'write-file', input: { path: 'README.md', content: 'Changed\n' } }],
  isPure: false,
  needs: ({ action }) => ({
    history: 1,
    trees: 'tip',
    blobs: action === 'push' ? 'paths' : 'none',
    worktree: 'cone',
    refs: 'asked',
  }),
  async blobs(git, { action }, { signal }) {
    const from = action === 'push' ? await commitAt(git, 'HEAD', { signal }) : null
    if (from === null) return []
    const comparison = { from, paths: [], signal }
    return (await Promise.all([stagedBlobs(git, comparison), blobsToCheckOut(git, comparison)])).flat()
  },
  async run(git, input, { signal }) {
    const { action, limit } = input
    if (action !== 'push' && (input.message !== null || input.includeUntracked)) {
      throw new AppError('input_invalid', `Cannot run stash: message and includeUntracked say nothing to ${action}`)
    }
    const { stash, conflicts, truncated } = await act(git, input, signal)
    const stashes = (await readStashes(git, { skip: 0, limit: limit + 1, signal })).map(({ entry }) => entry)
    return {
      action,
      stash: stash?.entry ?? null,
      conflicts,
      stashes: stashes.slice(0, limit),
      truncated: truncated || stashes.length > limit,
    }
  },
  plain({ action, stash, conflicts, stashes }) {
    const name = ({ index, message }: NonNullable<typeof stash>) => `stash@{${index}}: ${escapeLine(message)}\n`
    if (action === 'list') return stashes.map(name).join('')
    if (stash === null) return 'nothing to put aside\n'
    return conflicts.length === 0
      ? name(stash)
      : conflicts.map(({ path }) => `conflict in ${plainLine(path)}\n`).join('')
  },
})

async function act(git: Git, input: Input, signal: AbortSignal): Promise<Outcome> {
  const { action, index } = input
  if (action === 'list') return { stash: null, ...noConflicts }
  if (action === 'push') return { stash: await push(git, input, signal), ...noConflicts }
  const stash = await find(git, input, signal)
  const request = { action, flags: ['--quiet'], operands: [`${index}`], signal }
  if (action === 'drop') {
    await git('stash', request)
    return { stash, ...noConflicts }
  }
  await refuseConflicts(git, `${action} the stash`, { signal })
  await refuseOverwriting(git, stash, { signal })
  return { stash, ...(await runStash(git, request)) }
}

async function push(git: Git, { message, includeUntracked }: Input, signal: AbortSignal): Promise<Stash | null> {
  await refuseConflicts(git, 'put changes aside', { signal })
  if ((await commitAt(git, 'HEAD', { signal })) === null) {
    throw new AppError('repo_empty', 'Cannot put changes aside: there is no commit yet')
  }
  const before = await commitAt(git, 'refs/stash', { signal })
  const flags = [
    '--quiet',
    ...(includeUntracked ? ['--include-untracked'] : []),
    ...(message === null ? [] : [`--message=${message}`]),
  ]
  await runStash(git, { action: 'push', flags, operands: [], signal })
  const [newest] = await readStashes(git, { skip: 0, limit: 1, signal })
  return newest === undefined || newest.entry.commit === before ? null : newest
}

/** Runs what exits with 1 both in conflict, which is an answer, and in failure. */
async function runStash(git: Git, request: GitRequest): Promise<Conflicts> {
  const { signal } = request
  // Where it takes unknown files along, it runs `git clean` on ":/", which must not be taken literally.
  const env = { GIT_LITERAL_PATHSPECS: '0' }
  const { exitCode, stderr } = await git('stash', { ...request, env, okExitCodes: [0, 1] })
  if (exitCode === 0) return noConflicts
  const left = await readConflicts(git, { signal })
  if (left.conflicts.length > 0) return left
  await refuseLockedIndex(git, { signal })
  throw gitFailure({ subcommand: 'stash', exitCode, stderr })
}

async function find(git: Git, { action, index }: Input, signal: AbortSignal): Promise<Stash> {
  const [stash] = await readStashes(git, { skip: index, limit: 1, signal })
  if (stash !== undefined) return stash
  throw new AppError('ref_not_found', `Cannot ${action} the stash: there is none of that number`, {
    details: { index },
  })
}
