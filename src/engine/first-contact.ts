import type { Parts } from './parts.ts'
import type { Repository } from './repositories.ts'

/**
 * Starts what takes its time while the remote is asked for the ref: what the next sandbox needs, and where no image of
 * the repository exists, the remote's introduction and the code that builds. Nothing is made of the repository before the
 * answer has proved access.
 */
export async function prepareFirstContact(
  { driver, images }: Pick<Parts, 'driver' | 'images'>,
  { key, remote }: Repository,
  signal: AbortSignal,
): Promise<void> {
  driver.prepare()
  const isKnown = await images.knows(key).catch(() => true)
  if (isKnown) return
  // Whatever fails here fails again, and is told, where it is needed.
  await Promise.allSettled([
    remote.abilities({ signal }),
    import('../workspace/build-image.ts'),
    import('../workspace/remote-upstream.ts'),
  ])
}
