import type { Images } from '../workspace/images.ts'
import type { Repository } from './repositories.ts'

/**
 * Where no image of a repository exists, starts what a build will need while the remote is asked for the ref: the
 * remote's introduction and the code that builds. Nothing is made before the answer has proved access.
 */
export async function prepareFirstContact(
  images: Images,
  { key, remote }: Repository,
  signal: AbortSignal,
): Promise<void> {
  const isKnown = await images.knows(key).catch(() => true)
  if (isKnown) return
  // Whatever fails here fails again, and is told, where it is needed.
  await Promise.allSettled([
    remote.abilities({ signal }),
    import('../workspace/build-image.ts'),
    import('../workspace/courier.ts'),
  ])
}
