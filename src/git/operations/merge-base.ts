import { z } from 'zod'
import { oid, revision, revisionOrRef } from '../fields.ts'
import { defineOperation } from '../operation.ts'
import { resolved } from '../revision.ts'

export const mergeBase = defineOperation({
  name: 'merge-base',
  summary: 'Find the best common ancestor of two revisions.',
  effect: 'read',
  input: z.strictObject({
    ours: revisionOrRef,
    theirs: revision,
    all: z.boolean().default(false).meta({ description: 'Whether to answer every best ancestor in bases.' }),
  }),
  output: z.strictObject({
    base: oid.nullable().meta({ description: 'null where the histories are unrelated.' }),
    bases: z.array(oid),
  }),
  example: { ours: 'HEAD', theirs: 'HEAD' },
  isPure: true,
  needs: () => ({ history: 'full', trees: 'none', blobs: 'none', worktree: 'none', refs: 'asked' }),
  async run(git, { ours, theirs, all }, { signal }) {
    const request = {
      flags: all ? ['--all'] : [],
      revisions: [resolved(ours), resolved(theirs)],
      commitsOnly: true,
      signal,
    }
    // Exit code 1 means "unrelated histories": an answer, not a failure.
    const { text } = await git('merge-base', { ...request, okExitCodes: [0, 1] })
    const bases = text.split('\n').filter((line) => line !== '')
    return { base: bases[0] ?? null, bases }
  },
  plain: ({ bases }) => (bases.length === 0 ? 'no common ancestor\n' : `${bases.join('\n')}\n`),
})
