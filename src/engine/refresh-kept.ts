import { newCorrelationId, withCorrelation } from '../core/correlation.ts'
import { withDeadline } from '../core/deadline.ts'
import { span } from '../core/spans.ts'
import type { Needs } from '../git/operation.ts'
import type { RepositoryUse } from '../workspace/repository-use.ts'
import type { Parts } from './parts.ts'
import type { Repository } from './repositories.ts'
import { openedIds } from './resolve.ts'
import { holding } from './use-of-repository.ts'
import { wantedImage } from './wanted-image.ts'

/** Refs of one repository, and kinds of its images, that are kept up to date; who asks for others waits for them. */
const MAX_REFS = 3
const MAX_KINDS = 3

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
      span('warm-up', {}, async (tell) => {
        const repository = known.tenant === null ? null : await parts.repositories.reopen(repo, known.tenant)
        const refs = latestFirst(known).filter(isWanted)
        const made =
          repository === null ? 0 : await holding(parts, repository, () => refresh(parts, repository, refs, until))
        tell({ count: made })
      }),
    ),
  )
}

/** Without commits: they stay what they are. */
function latestFirst({ refs }: RepositoryUse): readonly string[] {
  const sorted = Object.entries(refs).toSorted(([, a], [, b]) => b - a)
  return sorted.map(([ref]) => ref).filter((ref) => !/^[0-9a-f]{40,64}$/.test(ref))
}

/** Resolves with how many images were made. A ref that is gone, or cannot be had, keeps no other from being refreshed. */
async function refresh(
  parts: Parts,
  repository: Repository,
  refs: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const failures: unknown[] = []
  let [made, refreshed] = [0, 0]
  for (const ref of refs) {
    if (refreshed === MAX_REFS) break
    try {
      made += await refreshRef(parts, repository, ref, signal)
      refreshed += 1
    } catch (error) {
      signal.throwIfAborted()
      failures.push(error)
    }
  }
  if (refreshed === 0 && failures.length > 0) throw failures[0]
  return made
}

async function refreshRef(parts: Parts, repository: Repository, ref: string, signal: AbortSignal): Promise<number> {
  const resolution = await parts.resolver.resolve(repository, ref, { maxStalenessMs: 0, signal })
  const kinds = await parts.images.kinds(repository.key)
  let made = 0
  for (const { cone, tips: _, ...needs } of kinds.slice(0, MAX_KINDS)) {
    const request = wantedImage({ repository, commits: openedIds(resolution), needs, cone })
    const bring = { signal, deadlineMs: parts.settings.deadlineMs, onProgress: () => {} }
    const provided = await parts.images.provide(request, bring)
    if (provided.plan.tier !== 'image') made += 1
    await prepareReader(parts, provided.image, needs)
  }
  return made
}

/** Commits alone answer few questions that need a sandbox. */
async function prepareReader({ readers }: Parts, image: string, { worktree }: Needs): Promise<void> {
  if (worktree !== 'none') await readers.use(image, async () => {})
}
