import { z } from 'zod'
import { commitFields, commitFlags, plainCommit, readCommit } from '../commit-record.ts'
import { diffAnswer, diffFlags, diffOptions, plainDiff, readDiff } from '../diff-files.ts'
import { revisionOrRef } from '../fields.ts'
import { AppError } from '../../core/errors.ts'
import { changedBlobs } from '../blobs.ts'
import { defineOperation } from '../operation.ts'
import { resolved } from '../revision.ts'

const newline = 0x0a

export const show = defineOperation({
  name: 'show',
  summary: 'Show one commit and what it changed against its first parent.',
  effect: 'read',
  input: z.strictObject({ revision: revisionOrRef, ...diffOptions }),
  output: z.strictObject({ commit: z.strictObject(commitFields), ...diffAnswer }),
  example: {},
  isPure: true,
  needs: () => ({ history: 2, trees: 'all', blobs: 'paths', worktree: 'none', refs: 'asked' }),
  blobs: (git, input, { signal }) =>
    changedBlobs(git, { revisions: [resolved(input.revision)], paths: input.paths, signal }),
  async run(git, input, { signal }) {
    const flags = [...commitFlags, '--always', '--diff-merges=first-parent', ...diffFlags(input)]
    const request = { flags, revisions: [resolved(input.revision)], paths: input.paths, commitsOnly: true, signal }
    return git.read('diff-tree', request, async (reader) => {
      const commit = await readCommit(reader)
      if (commit === null) throw new AppError('git_failed', 'Cannot read the output of git: there is no commit')
      if ((await reader.peek()) === newline) await reader.skip(1)
      return { commit, ...(await readDiff(reader, input)) }
    })
  },
  plain: ({ commit, ...answer }) => `${plainCommit(commit)}\n${plainDiff(answer)}`,
})
