import { z } from 'zod'
import { oid, revisionOrRef } from '../fields.ts'
import { defineOperation } from '../operation.ts'
import { resolved } from '../revision.ts'

export const revParse = defineOperation({
  name: 'rev-parse',
  summary: 'Find the commit a revision stands for, with its tree and parents.',
  effect: 'read',
  input: z.strictObject({ revision: revisionOrRef }),
  output: z.strictObject({ commit: oid, tree: oid, parents: z.array(oid) }),
  example: { revision: 'HEAD' },
  isPure: true,
  needs: () => ({ history: 1, trees: 'none', blobs: 'none', worktree: 'none', refs: 'asked' }),
  async run(git, input, { signal }) {
    const commit = resolved(input.revision)
    // The object itself: in a shallow copy every formatted answer hides the parents of the last commit.
    const { text } = await git('cat-file', { flags: ['-p'], revisions: [commit], commitsOnly: true, signal })
    const header = text.slice(0, text.indexOf('\n\n'))
    const ids = (name: string) =>
      [...header.matchAll(new RegExp(`^${name} ([0-9a-f]+)$`, 'gm'))].map(([, id = '']) => id)
    return { commit, tree: ids('tree')[0] ?? '', parents: ids('parent') }
  },
  plain: ({ commit }) => `${commit}\n`,
})
