import { z } from 'zod'
import { readLinks } from '../commit-links.ts'
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
    const { tree, parents } = await readLinks(git, commit, { signal })
    return { commit, tree, parents: [...parents] }
  },
  plain: ({ commit }) => `${commit}\n`,
})
