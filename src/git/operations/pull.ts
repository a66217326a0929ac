import { z } from 'zod'
import { escapeLine } from '../../core/escape.ts'
import { branchName, oid } from '../fields.ts'
import { readHead } from '../head.ts'
import { defineOperation } from '../operation.ts'
import { moveTrackingRef } from '../tracking-ref.ts'
import { merge } from './merge.ts'

const { fastForward } = merge.input.shape

export const pull = defineOperation({
  name: 'pull',
  summary: 'Bring a branch of the upstream and merge it into what is checked out.',
  effect: 'remote',
  input: z.strictObject({
    branch: branchName.nullable().default(null).meta({
      description: 'Short name of the branch; null is the one of the same name, or HEAD where none is checked out.',
    }),
    fastForward,
  }),
  output: z.strictObject({
    ref: z.string().nullable().meta({ description: 'Full name of the branch at the upstream.' }),
    fetched: oid.meta({ description: 'Where it is at the upstream.' }),
    ...merge.output.shape,
  }),
  example: {},
  isPure: false,
  // Which contents it needs is only known once the branch is here; then it brings them itself.
  needs: () => ({ ...merge.needs({ ...startOf(''), fastForward: 'allow' }), blobs: 'none' }),
  async run(git, input, context) {
    const { upstream, signal } = context
    const branch = input.branch ?? (await readHead(git, { signal })).branch
    const found = await upstream.fetch(branch === null ? 'HEAD' : `refs/heads/${branch}`)
    await moveTrackingRef(git, found, { signal })
    const merging = { ...startOf(found.commit), fastForward: input.fastForward }
    // Before anything is touched: a checkout that lacks contents would be left half done.
    await upstream.bring((await merge.blobs?.(git, merging, context)) ?? [])
    return { ref: found.ref, fetched: found.commit, ...(await merge.run(git, merging, context)) }
  },
  plain({ ref, fetched: _fetched, ...merged }) {
    return `${escapeLine(ref ?? 'HEAD')}: ${merge.plain(merged)}`
  },
})

function startOf(revision: string) {
  return { action: 'start', revision, message: null, squash: false } as const
}
