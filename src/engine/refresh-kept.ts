import { newCorrelationId, withCorrelation } from '../core/correlation.ts'
import { withDeadline } from '../core/deadline.ts'
import { span } from '../core/spans.ts'
import type { RepositoryUse } from '../workspace/repository-use.ts'
import type { Parts } from './parts.ts'
import { openedIds } from './resolve.ts'
import { holding } from './use-of-repository.ts'
import { wantedImage } from './wanted-image.ts'

/** Refs of one repository that are kept up to date; who asks for others waits for them. */
const MAX_REFS = 3

/**
 * Brings what is kept of a repository up to date with refs that were asked for lately, those that `isWanted`, by the
 * configured credential that reached it last; where requests bring their own, nobody else may ask in their name.
 */
export async function refreshKept(
  parts: Parts,
  repo: string,
  isWanted: (ref: string) => boolean,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const known = await parts.cache.useOf(repo)
  if (known === null) return
  await withCorrelation(newCorrelationId(), () =>
    withDeadline(parts.settings.deadlineMs, signal, (until) =>
      span('warm-up', {}, async (tell) => tell({ count: await refresh(parts, repo, known, isWanted, until) })),
    ),
  )
}

/** Resolves with how many images were made. */
async function refresh(
  parts: Parts,
  repo: string,
  { address, tenant, refs }: RepositoryUse,
  isWanted: (ref: string) => boolean,
  signal: AbortSignal,
): Promise<number> {
  const repository = tenant === null ? null : await parts.repositories.reopen(address, tenant)
  if (repository === null) return 0
  const newestFirst = Object.entries(refs).toSorted(([, a], [, b]) => b - a)
  // A commit stays what it is.
  const wanted = newestFirst.map(([ref]) => ref).filter((ref) => isWanted(ref) && !/^[0-9a-f]{40,64}$/.test(ref))
  let made = 0
  await holding(parts, repository, async () => {
    for (const ref of wanted.slice(0, MAX_REFS)) {
      const resolution = await parts.resolver.resolve(repository, ref, { maxStalenessMs: 0, signal })
      for (const { cone, tips: _, ...needs } of await parts.images.kinds(repo)) {
        const request = wantedImage({ repository, commits: openedIds(resolution), needs, cone })
        const bring = { signal, deadlineMs: parts.settings.deadlineMs, onProgress: () => {} }
        const provided = await parts.images.provide(request, bring)
        if (provided.plan.tier !== 'image') made += 1
        if (needs.worktree !== 'none') await parts.readers.use(provided.image, async () => {})
      }
    }
  })
  return made
}
