import { z } from 'zod'
import { escapeLine } from '../../core/escape.ts'
import { shortOid } from '../commit-record.ts'
import { branchName, oid, revisionOrRef } from '../fields.ts'
import { defineOperation } from '../operation.ts'
import { isOid, resolved } from '../revision.ts'
import { moveTrackingRef } from '../tracking-ref.ts'

export const push = defineOperation({
  name: 'push',
  summary: 'Move one branch of the upstream to a commit.',
  effect: 'remote',
  input: z.strictObject({
    branch: branchName.meta({
      description: 'Short name of the branch at the upstream; it is made where it is missing.',
    }),
    commit: revisionOrRef.meta({ description: 'What it is to be at; null is HEAD.' }),
    expectedOld: z
      .union([oid, z.literal('none')])
      .nullable()
      .default(null)
      .meta({ description: 'Where the branch must be now, or none where it must be new; else nothing is moved.' }),
    force: z.boolean().default(false).meta({ description: 'Whether commits of the branch may be lost.' }),
  }),
  output: z.strictObject({
    branch: z.string(),
    commit: oid,
    previous: oid.nullable().meta({ description: 'Where the branch was; null where it is new.' }),
    isTracked: z.boolean().meta({
      description:
        'Whether refs/remotes/origin/… here tells of it as well. The branch is moved either way; false is a lock in the way.',
    }),
  }),
  example: { branch: 'topic' },
  // What the upstream has already can be given another name.
  isOneShot: ({ commit }) => commit !== null && isOid(commit),
  isPure: false,
  // Whether commits would be lost is only asked where it is in doubt.
  needs: () => ({ history: 1, trees: 'tip', blobs: 'none', worktree: 'none', refs: 'asked' }),
  async run(git, { branch, expectedOld, force, ...input }, { upstream, signal }) {
    const commit = resolved(input.commit)
    const { previous } = await upstream.push({ branch, commit, expectedOld, force })
    // The branch is moved: an error now would have the push done once more, over what others push meanwhile.
    const isTracked = await moveTrackingRef(git, { ref: `refs/heads/${branch}`, oid: commit }, { signal }).then(
      () => true,
      () => false,
    )
    return { branch, commit, previous, isTracked }
  },
  plain: ({ branch, commit, previous, isTracked }) =>
    `${escapeLine(branch)} ${previous === null ? 'new' : shortOid(previous)} -> ${shortOid(commit)}${isTracked ? '' : ', not noted here'}\n`,
})
