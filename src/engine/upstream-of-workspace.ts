import type { OperationUpstream } from '../git/operation.ts'
import type { Git } from '../git/run-git.ts'
import type { Provided } from '../workspace/images.ts'
import { upgrade } from '../workspace/live-copy.ts'
import { pushCommit } from '../workspace/push.ts'
import type { Step } from '../workspace/steps.ts'
import type { BringOptions } from '../workspace/upstream.ts'
import type { RequestOptions } from './contract.ts'
import type { Lease } from './leases.ts'
import type { Parts } from './parts.ts'
import { bringContents } from './bring-contents.ts'
import { openedIds } from './resolve.ts'
import { wantedImage } from './wanted-image.ts'
import type { WorkspaceScope } from './workspace-scope.ts'

interface Asking {
  readonly parts: Parts
  readonly lease: Lease
  readonly git: Git
  /** What was brought on the way, for the receipt. */
  readonly brought: { readonly steps: Step[]; bytesFetched: number }
  readonly options: RequestOptions
}

/** The upstream of a workspace, asked with the credential of this request, else with that of its opening. */
export function upstreamOf({ parts, lease, git, brought, options }: Asking, scope: WorkspaceScope): OperationUpstream {
  const { copy, repository } = lease
  const { gitAuthorization, caller } = options
  return {
    async fetch(ref) {
      const asked = await scope.repository()
      const resolution = await parts.resolver.resolve(asked, ref, { maxStalenessMs: 0, signal: scope.signal })
      const { history, trees, blobs } = copy.has
      const needs = { history, trees, blobs, worktree: 'none', refs: 'asked' } as const
      const wanted = { needs, commits: openedIds(resolution), cone: [] }
      const work = await lease.upgrades.run(() => upgrade(copy, wanted, asked.connect, scope), scope)
      brought.steps.push(...work.steps)
      brought.bytesFetched += work.bytes
      return resolution
    },
    async bring(oids) {
      brought.bytesFetched += await bringContents(lease, git, oids, scope)
    },
    async push(wish) {
      const [asked, { remote }] = await Promise.all([
        scope.repository(),
        parts.repositories.open(repository.address, { gitAuthorization, use: 'push', caller }),
      ])
      const { driver, limits, settings, images } = parts
      const { base } = copy
      const needs = { ...base, worktree: 'none' } as const
      const request = wantedImage({ repository: asked, commits: base.tips, needs, cone: [] })
      const provide = (bring: BringOptions): Promise<Provided> => images.provide(request, bring)
      const maxBytes = settings.maxPushBytes
      return pushCommit({ driver, limits, copy, git, remote, connect: asked.connect, provide, maxBytes }, wish, scope)
    },
  }
}
