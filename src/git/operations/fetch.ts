import { z } from 'zod'
import { shortOid } from '../commit-record.ts'
import { oid, ref } from '../fields.ts'
import { readHead } from '../head.ts'
import { defineOperation } from '../operation.ts'
import { moveTrackingRef } from '../tracking-ref.ts'

export const fetch = defineOperation({
  name: 'fetch',
  summary: 'Bring what a branch, tag or commit of the upstream is at now.',
  effect: 'remote',
  input: z.strictObject({
    ref: ref.nullable().default(null).meta({ description: 'null is the branch that is checked out, else HEAD.' }),
  }),
  output: z.strictObject({
    ref: z.string().nullable().meta({ description: 'Full name at the upstream; null for a commit id.' }),
    commit: oid,
    tracking: z
      .string()
      .nullable()
      .meta({ description: 'The ref here that stands for it, such as refs/remotes/origin/main.' }),
    previous: oid.nullable().meta({ description: 'Where that ref was before.' }),
  }),
  example: {},
  // Its image is then ready for whoever comes next.
  isOneShot: () => true,
  isPure: false,
  needs: () => ({ history: 0, trees: 'none', blobs: 'none', worktree: 'none', refs: 'asked' }),
  async run(git, input, { upstream, signal }) {
    const asked = input.ref ?? (await readHead(git, { signal })).branch ?? 'HEAD'
    const found = await upstream.fetch(asked)
    const { tracking, previous } = await moveTrackingRef(git, found, { signal })
    return { ref: found.ref, commit: found.commit, tracking, previous }
  },
  plain: ({ ref, commit }) => `${ref ?? 'commit'} ${shortOid(commit)}\n`,
})
