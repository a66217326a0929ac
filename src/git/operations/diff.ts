import { z } from 'zod'
import { AppError } from '../../core/errors.ts'
import { changedBlobs } from '../blobs.ts'
import { diffAnswer, diffFlags, diffOptions, eachFile, plainDiff } from '../diff-files.ts'
import { oid, revision, revisionOrRef } from '../fields.ts'
import { defineListing } from '../operation.ts'
import { resolved } from '../revision.ts'
import type { Git } from '../run-git.ts'

const input = z.strictObject({
  from: revision,
  to: revisionOrRef,
  mergeBase: z
    .boolean()
    .default(false)
    .meta({ description: 'Whether to compare with the point where the two histories parted, like three dots.' }),
  ...diffOptions,
})
type Input = z.output<typeof input>

export const diff = defineListing({
  name: 'diff',
  summary: 'Compare two commits.',
  effect: 'read',
  input,
  output: z.strictObject({ from: oid, to: oid, ...diffAnswer }),
  example: { from: 'HEAD~1', to: 'HEAD' },
  isPure: true,
  needs: ({ mergeBase }) => ({
    history: mergeBase ? 'full' : 1,
    // The commit where histories parted is no tip.
    trees: mergeBase ? 'all' : 'tip',
    blobs: 'paths',
    worktree: 'none',
    refs: 'asked',
  }),
  async blobs(git, input, { signal }) {
    return changedBlobs(git, { revisions: await endpoints(git, input, signal), paths: input.paths, signal })
  },
  items: {
    list: 'files',
    async each(git, input, { signal }, give) {
      const [from, to] = await endpoints(git, input, signal)
      const request = { flags: diffFlags(input), revisions: [from, to], paths: input.paths, commitsOnly: true, signal }
      return git.read('diff-tree', request, async (reader) => ({ from, to, ...(await eachFile(reader, input, give)) }))
    },
  },
  plain: plainDiff,
})

async function endpoints(git: Git, input: Input, signal: AbortSignal): Promise<[from: string, to: string]> {
  const [from, to] = [resolved(input.from), resolved(input.to)]
  if (!input.mergeBase) return [from, to]
  // Exit code 1 means that the histories never met.
  const { text } = await git('merge-base', { revisions: [from, to], okExitCodes: [0, 1], commitsOnly: true, signal })
  const base = text.trim()
  if (base === '') {
    throw new AppError('histories_unrelated', 'Cannot compare with the merge base: the histories have none', {
      details: { from, to },
    })
  }
  return [base, to]
}
