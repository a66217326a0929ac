import type { Provided } from '../workspace/images.ts'
import type { Parts } from './parts.ts'
import type { Repository } from './repositories.ts'

/** Counts that a caller whom the remote let in was served; without `provided`, from a result that was there. */
export function countUse(
  { cache }: Pick<Parts, 'cache'>,
  repository: Repository,
  ref: string,
  provided: Provided | null,
) {
  const { key, tenant } = repository
  cache.count(key, { tenant, ref }, provided === null || provided.plan.base !== null)
}

/** Keeps the images of a repository from being evicted while `use` runs. */
export async function holding<T>(
  { cache }: Pick<Parts, 'cache'>,
  { key }: Repository,
  use: () => Promise<T>,
): Promise<T> {
  const release = cache.hold(key)
  try {
    return await use()
  } finally {
    release()
  }
}
