import { z } from 'zod'
import { AppError } from '../../core/errors.ts'
import { escapeLine } from '../../core/escape.ts'
import { shortOid } from '../commit-record.ts'
import { branchName, oid } from '../fields.ts'
import { changeRef, readRefs, refuseBranchInUse } from '../local-refs.ts'
import { defineOperation } from '../operation.ts'
import type { Git } from '../run-git.ts'

export const branchDelete = defineOperation({
  name: 'branch-delete',
  summary: 'Delete a branch whose commits are in HEAD or in the branch it follows.',
  effect: 'write',
  input: z.strictObject({
    name: branchName,
    force: z.boolean().default(false).meta({ description: 'Whether to delete it wherever its commits are.' }),
  }),
  output: z.strictObject({ branch: z.string(), commit: oid.meta({ description: 'Where the branch was.' }) }),
  example: { name: 'topic' },
  exampleAfter: [{ operation: 'branch-create', input: { name: 'topic' } }],
  isPure: false,
  needs: ({ force }) => ({
    history: force ? 0 : 'full',
    trees: 'none',
    blobs: 'none',
    worktree: 'none',
    refs: 'asked',
  }),
  async run(git, { name, force }, { signal }) {
    const ref = `refs/heads/${name}`
    const action = `delete the branch "${name}"`
    const found = (await readRefs(git, [ref], { signal })).get(ref)
    if (found === undefined) {
      throw new AppError('ref_not_found', `Cannot ${action}: there is none`, { details: { branch: name } })
    }
    const { commit: head } = await refuseBranchInUse(git, { name, ref: found, action, signal })
    if (!force) {
      const upstream = found.upstream === null ? null : await commitAt(git, found.upstream, signal)
      const places = [head, upstream].filter((place) => place !== null)
      if (!(await isInside(git, found.oid, places, signal))) {
        throw new AppError('branch_unmerged', `Cannot ${action}: its commits are neither in HEAD nor upstream`, {
          details: { branch: name, commit: found.oid },
        })
      }
    }
    await changeRef(git, { name: ref, from: found.oid, to: null, reason: 'branch: Deleted', signal })
    // Exit code 128 says that nothing was configured for the branch.
    await git('config', { flags: ['--remove-section'], operands: [`branch.${name}`], okExitCodes: [0, 128], signal })
    return { branch: name, commit: found.oid }
  },
  plain: ({ branch, commit }) => `${escapeLine(branch)} ${shortOid(commit)}\n`,
})

async function commitAt(git: Git, ref: string, signal: AbortSignal): Promise<string | null> {
  return (await readRefs(git, [ref], { signal })).get(ref)?.commit ?? null
}

async function isInside(git: Git, commit: string, places: readonly string[], signal: AbortSignal): Promise<boolean> {
  for (const place of places) {
    const request = { flags: ['--is-ancestor'], revisions: [commit, place], commitsOnly: true, signal }
    const { exitCode } = await git('merge-base', { ...request, okExitCodes: [0, 1] })
    if (exitCode === 0) return true
  }
  return false
}
