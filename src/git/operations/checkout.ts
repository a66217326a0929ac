import { z } from 'zod'
import { treeBlobs } from '../blobs.ts'
import { localRevision } from '../fields.ts'
import { findRevision } from '../find-revision.ts'
import { readHead } from '../head.ts'
import { shownContents } from '../merge-contents.ts'
import { defineOperation } from '../operation.ts'
import { place, plainPlace } from '../place.ts'
import { parseRevision } from '../revision.ts'
import type { Git } from '../run-git.ts'
import { switchHead, type SwitchTarget } from '../switch-head.ts'

const action = 'check out'

export const checkout = defineOperation({
  name: 'checkout',
  summary: 'Check out a branch, a tag or a commit.',
  effect: 'write',
  input: z.strictObject({
    ref: localRevision.meta({
      description: 'A branch, also one that only origin has; a tag, a commit id or a revision, which detach HEAD.',
    }),
    force: z
      .boolean()
      .default(false)
      .meta({ description: 'Whether to throw away local changes, and a merge, pick or revert under way.' }),
    detach: z.boolean().default(false).meta({ description: 'Whether to detach HEAD at the commit of a branch.' }),
  }),
  output: z.strictObject({ head: place, previous: place }),
  example: { ref: 'HEAD~1' },
  isPure: false,
  needs: ({ ref }) => ({
    history: parseRevision(ref).depth,
    trees: 'all',
    blobs: 'paths',
    worktree: 'cone',
    refs: 'asked',
  }),
  async blobs(git, { ref }, { signal }) {
    const [{ commit: from }, { commit: to }] = await Promise.all([
      readHead(git, { signal }),
      findRevision(git, ref, { action, signal }),
    ])
    if (from === null) return treeBlobs(git, { commit: to, paths: [], recursive: true, signal })
    return [...(await shownContents(git, [{ from, to }], { signal }))]
  },
  async run(git, { ref, force, detach }, { signal }) {
    const target = await findTarget(git, ref, { detach, signal })
    return switchHead(git, { target, force, action, signal })
  },
  plain: ({ head, previous }) => `${plainPlace(head)} (was ${plainPlace(previous)})\n`,
})

async function findTarget(
  git: Git,
  ref: string,
  { detach, signal }: { detach: boolean; signal: AbortSignal },
): Promise<SwitchTarget> {
  const [found, { branch }] = await Promise.all([
    findRevision(git, ref, { action, signal }),
    ref === 'HEAD' ? readHead(git, { signal }) : { branch: null },
  ])
  if (detach) return { kind: 'commit', commit: found.commit }
  return branch === null ? found : { kind: 'branch', name: branch, commit: found.commit }
}
