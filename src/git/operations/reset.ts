import { z } from 'zod'
import { AppError } from '../../core/errors.ts'
import { shortOid } from '../commit-record.ts'
import { oid, repoPaths, revisionOrRef } from '../fields.ts'
import { commitAt } from '../head.ts'
import { blobsToCheckOut, stagedBlobs } from '../index-changes.ts'
import { defineOperation } from '../operation.ts'
import { resolved } from '../revision.ts'

export const reset = defineOperation({
  name: 'reset',
  summary: 'Move the branch to a commit, or take paths back out of what is staged.',
  effect: 'write',
  input: z.strictObject({
    mode: z.enum(['soft', 'mixed', 'hard']).default('mixed').meta({
      description:
        'soft moves the branch alone, mixed resets the index as well, hard also the files: changes are lost.',
    }),
    revision: revisionOrRef,
    paths: repoPaths.meta({
      kind: 'paths',
      description: 'Only these paths of the index are reset and the branch stays; the mode is then mixed.',
    }),
  }),
  output: z.strictObject({
    head: oid.meta({ description: 'The commit HEAD is at now.' }),
    previous: oid.nullable().meta({ description: 'Where it was; null before the first commit.' }),
  }),
  example: { mode: 'soft', revision: 'HEAD~1' },
  isPure: false,
  needs: ({ mode }) => ({
    history: 1,
    trees: mode === 'soft' ? 'none' : 'tip',
    blobs: mode === 'soft' ? 'none' : 'paths',
    worktree: 'cone',
    refs: 'asked',
  }),
  async blobs(git, { mode, revision, paths }, { signal }) {
    if (mode === 'soft') return []
    const blobs = mode === 'hard' ? blobsToCheckOut : stagedBlobs
    return blobs(git, { from: resolved(revision), paths, signal })
  },
  async run(git, { mode, revision, paths }, { signal }) {
    if (paths.length > 0 && mode !== 'mixed') {
      throw new AppError('input_invalid', `Cannot run reset: paths cannot be reset ${mode}`)
    }
    const to = resolved(revision)
    const previous = await commitAt(git, 'HEAD', { signal })
    // Paths without any mode: git refuses the two together, whichever it is.
    const flags = paths.length > 0 ? ['--quiet'] : ['--quiet', `--${mode}`]
    await git('reset', { flags, revisions: [to], paths, signal })
    return { head: (await commitAt(git, 'HEAD', { signal })) ?? to, previous }
  },
  plain: ({ head }) => `HEAD is at ${shortOid(head)}\n`,
})
