import type { Parts } from './parts.ts'
import type { Repository } from './repositories.ts'

/**
 * Starts what takes its time while the remote is asked for the ref: what the next sandbox needs, and where it may be the
 * first time, the remote's introduction and the code that builds. Nothing is made of the repository before the answer has
 * proved access. Among strangers it is the caller's first time that counts, whatever others have made: neither the
 * refusal's time nor what the remote is asked may tell of an image.
 */
export async function prepareFirstContact(
  { driver, images, resolver, servesStrangers }: Pick<Parts, 'driver' | 'images' | 'resolver' | 'servesStrangers'>,
  { key, scope, remote }: Repository,
  signal: AbortSignal,
): Promise<void> {
  driver.prepare()
  const isKnown = servesStrangers ? resolver.knows(scope) : await images.knows(key).catch(() => true)
  if (isKnown) return
  // Whatever fails here fails again, and is told, where it is needed.
  await Promise.allSettled([
    remote.abilities({ signal }),
    import('../workspace/build-image.ts'),
    import('../workspace/remote-upstream.ts'),
  ])
}
