import { z } from 'zod'
import { AppError } from '../../core/errors.ts'
import { escapeLine } from '../../core/escape.ts'
import { lookUpCommit, shortOid } from '../commit-record.ts'
import { refuseConflicts } from '../conflicts.ts'
import { oid } from '../fields.ts'
import { commitsAt, emptyTree, readHead } from '../head.ts'
import { authorFlags, committerEnvironment, identity } from '../identity.ts'
import { blobsToCheckOut, countStaged, stagedBlobs } from '../index-changes.ts'
import { defineOperation } from '../operation.ts'
import type { Git } from '../run-git.ts'

const input = z.strictObject({
  message: z
    .string()
    .max(1_048_576)
    .refine((text) => text.isWellFormed() && !text.includes('\0'), 'it holds NUL or is not well-formed Unicode')
    .refine((text) => text.trim() !== '', 'it is empty')
    .nullable()
    .default(null)
    .meta({
      description: 'Taken as it is, lines with # included; only amend may leave it out, and keeps the old one.',
    }),
  author: identity.nullable().default(null).meta({ description: 'null is the identity of the workspace.' }),
  committer: identity.nullable().default(null).meta({ description: 'null is the identity of the workspace.' }),
  all: z.boolean().default(false).meta({ description: 'Whether to stage every change of a known file first.' }),
  amend: z.boolean().default(false).meta({ description: 'Whether the new commit takes the place of HEAD.' }),
  allowEmpty: z.boolean().default(false).meta({ description: 'Whether a commit may change nothing.' }),
  sign: z.boolean().default(false).meta({ description: 'Always refused: there is no key in a workspace.' }),
})
type Input = z.output<typeof input>

export const commit = defineOperation({
  name: 'commit',
  summary: 'Make a commit of what is staged.',
  effect: 'write',
  input,
  output: z.strictObject({
    commit: oid,
    tree: oid,
    parents: z.array(oid),
    branch: z.string().nullable().meta({ description: 'The branch that moved; null where HEAD is detached.' }),
    totals: z
      .strictObject({ files: z.int(), additions: z.int(), deletions: z.int() })
      .meta({ description: 'What it changed against its first parent.' }),
  }),
  example: { message: 'Add notes' },
  exampleAfter: [
    { operation: 'write-file', input: { path: 'notes.txt', content: 'Read me first\n' } },
    { operation: 'add', input: {} },
  ],
  isPure: false,
  // Where HEAD is the last commit of a shallow clone, amending it would make a commit without parents.
  needs: ({ amend }) => ({
    history: amend ? 2 : 1,
    trees: amend ? 'all' : 'tip',
    blobs: 'paths',
    worktree: 'cone',
    refs: 'asked',
  }),
  async blobs(git, input, { signal }) {
    const { from } = await findBase(git, input, signal)
    const comparison = { from, paths: [], signal }
    const staged = await stagedBlobs(git, comparison)
    return input.all ? [...staged, ...(await blobsToCheckOut(git, comparison))] : staged
  },
  async run(git, input, { signal }) {
    if (input.sign) throw new AppError('signing_unavailable', 'Cannot sign the commit: there is no key')
    if (input.message === null && !input.amend) {
      throw new AppError('input_invalid', 'Cannot run commit: the message is missing')
    }
    // With `all` git itself would commit the files with their conflict markers.
    await refuseConflicts(git, 'commit', { signal })
    const { from, isMerge } = await findBase(git, input, signal)
    if (input.all) await git('add', { flags: ['--update', '--sparse', '--no-ignore-errors'], signal })
    // Counted beforehand: should contents be missing for it, nothing has happened yet.
    const totals = await countStaged(git, { from, signal })
    if (totals.files === 0 && !isMerge && !input.allowEmpty) {
      throw new AppError('nothing_to_commit', 'Cannot commit: nothing is staged')
    }
    const message = input.message === null ? {} : { stdin: withNewline(input.message) }
    const env = committerEnvironment(input.committer)
    await git('commit', { flags: commitFlags(input), config, ...message, env, signal })
    const { commit: id, branch } = await readHead(git, { signal })
    if (id === null) throw new AppError('git_failed', 'Cannot commit: HEAD leads nowhere afterwards')
    const { tree, parents } = await lookUpCommit(git, id, { signal })
    return { commit: id, tree, parents, branch, totals }
  },
  plain({ commit, branch, totals }) {
    const where = branch === null ? 'detached HEAD' : escapeLine(branch)
    const { files, additions, deletions } = totals
    return `[${where} ${shortOid(commit)}] ${files} files changed, ${additions} additions, ${deletions} deletions\n`
  },
})

// A repository may say otherwise, and git would then write other bytes, or see nothing in a staged submodule.
const config = { 'i18n.commitEncoding': 'UTF-8', 'diff.ignoreSubmodules': 'none' }

function commitFlags({ message, author, amend, allowEmpty }: Input): readonly string[] {
  return [
    // Quiet also means that git does not compare contents once more for a summary.
    ...['--quiet', '--no-verify', '--no-gpg-sign', '--no-status', '--cleanup=verbatim'],
    ...(message === null ? ['--no-edit'] : ['--file=-']),
    ...(amend ? ['--amend', '--no-post-rewrite'] : []),
    ...(allowEmpty ? ['--allow-empty'] : []),
    ...authorFlags(author),
  ]
}

/** What the new commit is compared with, and whether it is a merge, which may change nothing. */
async function findBase(git: Git, { amend }: Input, signal: AbortSignal): Promise<{ from: string; isMerge: boolean }> {
  const [head, merged, picked] = await commitsAt(git, ['HEAD', 'MERGE_HEAD', 'CHERRY_PICK_HEAD'], { signal })
  if (!amend) return { from: head ?? (await emptyTree(git, { signal })), isMerge: merged !== null }
  if (head === null) throw new AppError('nothing_to_commit', 'Cannot amend the commit: there is none yet')
  if (merged !== null || picked !== null) {
    throw new AppError('already_in_progress', 'Cannot amend the commit: a merge or cherry-pick is under way')
  }
  const { parents } = await lookUpCommit(git, head, { signal })
  return { from: parents[0] ?? (await emptyTree(git, { signal })), isMerge: parents.length > 1 }
}

function withNewline(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`
}
