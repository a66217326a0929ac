import { z } from 'zod'
import { escapeLine } from '../../core/escape.ts'
import { hasCode } from '../../core/errors.ts'
import { shortOid } from '../commit-record.ts'
import { oid, revisionOrRef } from '../fields.ts'
import { defineOperation } from '../operation.ts'
import { resolved } from '../revision.ts'

export const describe = defineOperation({
  name: 'describe',
  summary: 'Name a commit by the nearest tag before it.',
  effect: 'read',
  input: z.strictObject({
    revision: revisionOrRef,
    annotated: z.boolean().default(false).meta({ description: 'Whether only annotated tags count.' }),
  }),
  output: z.strictObject({
    commit: oid,
    tag: z.string().nullable().meta({ description: 'null where no tag leads to the commit.' }),
    distance: z.int().nullable().meta({ description: 'Commits since the tag.' }),
    text: z.string().nullable().meta({ description: 'tag-distance-gcommit, or the tag alone where it is exact.' }),
  }),
  example: {},
  // A tag may move while the commit stays the same.
  isPure: false,
  needs: () => ({ history: 'full', trees: 'none', blobs: 'none', worktree: 'none', refs: 'tags' }),
  async run(git, input, { signal }) {
    const commit = resolved(input.revision)
    const flags = ['--long', '--abbrev=10', ...(input.annotated ? [] : ['--tags'])]
    try {
      const { text } = await git('describe', { flags, revisions: [commit], commitsOnly: true, signal })
      const [, tag = '', count = '0', hash = ''] = /^(.*)-(\d+)-g([0-9a-f]+)\n$/.exec(text) ?? []
      const distance = Number(count)
      return { commit, tag, distance, text: distance === 0 ? tag : `${tag}-${distance}-g${hash}` }
    } catch (error) {
      // Git has no exit code of its own for "no tag": an answer, not a failure.
      if (!hasCode(error, 'ref_not_found')) throw error
      return { commit, tag: null, distance: null, text: null }
    }
  },
  plain: ({ commit, text }) => `${escapeLine(text ?? shortOid(commit))}\n`,
})
