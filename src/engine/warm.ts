import type { Needs } from '../git/operation.ts'
import type { Answer, RequestOptions, WarmImage } from './contract.ts'
import { workOf } from './outcome.ts'
import type { Parts } from './parts.ts'
import { opener } from './repositories.ts'
import { bracketRequest, type RequestScope } from './request-scope.ts'
import { openedIds } from './resolve.ts'
import { withSecondTry } from './second-try.ts'
import { countUse, holding } from './use-of-repository.ts'
import { wantedImage } from './wanted-image.ts'

const wholeWorktree: Needs = { history: 1, trees: 'tip', blobs: 'tip', worktree: 'full', refs: 'asked' }

/** Makes the image for a ref ready, durable on disk when it returns. */
export async function warm(parts: Parts, input: unknown, options: RequestOptions): Promise<Answer<WarmImage>> {
  const { cone, ...common } = parts.requests.warm(input)
  const { driver } = parts
  const serve = async (scope: RequestScope, maxStalenessMs: number): Promise<Answer<WarmImage>> => {
    const repository = await parts.repositories.open(common.repo, opener(options))
    const known = { maxStalenessMs, signal: scope.signal }
    const resolution = await parts.resolver.resolve(repository, common.ref, known)
    const wanted = wantedImage({ repository, commits: openedIds(resolution), needs: wholeWorktree, cone })
    return holding(parts, repository, async () => {
      const provided = await parts.admission.run(options.caller, () => parts.images.provide(wanted, scope), scope)
      countUse(parts, repository, common.ref, provided)
      await driver.synced()
      const { bytes } = await driver.image(provided.image)
      const value = { id: provided.image, commit: resolution.commit, bytes }
      return scope.answer(
        { value, work: workOf(provided), warnings: provided.warnings },
        { repository, ref: common.ref, resolution, driver: driver.name, tier: provided.plan.tier },
      )
    })
  }
  return bracketRequest({ ...common, operation: 'warm' }, options, (scope) =>
    withSecondTry(common.maxStalenessMs, (maxStalenessMs) => serve(scope, maxStalenessMs)),
  )
}
