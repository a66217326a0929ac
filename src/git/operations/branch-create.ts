import { z } from 'zod'
import { AppError } from '../../core/errors.ts'
import { escapeLine } from '../../core/escape.ts'
import { shortOid } from '../commit-record.ts'
import { branchName, oid, revisionOrRef } from '../fields.ts'
import { readHead } from '../head.ts'
import { changeRef, readRefs, refuseBranchInUse } from '../local-refs.ts'
import { shownContents } from '../merge-contents.ts'
import { defineOperation } from '../operation.ts'
import { resolved } from '../revision.ts'
import { switchHead } from '../switch-head.ts'

export const branchCreate = defineOperation({
  name: 'branch-create',
  summary: 'Create a branch, or move one.',
  effect: 'write',
  input: z.strictObject({
    name: branchName,
    revision: revisionOrRef,
    force: z.boolean().default(false).meta({ description: 'Whether to move a branch that exists.' }),
    checkout: z.boolean().default(false).meta({ description: 'Whether to check it out as well.' }),
  }),
  output: z.strictObject({
    branch: z.string(),
    commit: oid,
    previous: oid.nullable().meta({ description: 'Where the branch was; null where there was none.' }),
  }),
  example: { name: 'topic' },
  isPure: false,
  needs: ({ checkout }) =>
    checkout
      ? { history: 1, trees: 'all', blobs: 'paths', worktree: 'cone', refs: 'asked' }
      : { history: 1, trees: 'none', blobs: 'none', worktree: 'none', refs: 'asked' },
  async blobs(git, input, { signal }) {
    const { commit: from } = await readHead(git, { signal })
    return from === null ? [] : [...(await shownContents(git, [{ from, to: resolved(input.revision) }], { signal }))]
  },
  async run(git, input, { signal }) {
    const { name, force } = input
    const commit = resolved(input.revision)
    const ref = `refs/heads/${name}`
    const found = (await readRefs(git, [ref], { signal })).get(ref) ?? null
    const action = `create the branch "${name}"`
    if (found !== null && !force) {
      throw new AppError('ref_exists', `Cannot ${action}: there is one`, {
        details: { branch: name, commit: found.commit },
      })
    }
    await refuseBranchInUse(git, { name, ref: found, action, signal })
    const previous = found?.oid ?? null
    if (input.checkout) {
      const target = { kind: 'new', name, commit, force: found !== null } as const
      await switchHead(git, { target, force: false, action, signal })
    } else {
      await changeRef(git, { name: ref, from: previous, to: commit, reason: `branch: Created from ${commit}`, signal })
    }
    return { branch: name, commit, previous }
  },
  plain: ({ branch, commit }) => `${escapeLine(branch)} ${shortOid(commit)}\n`,
})
