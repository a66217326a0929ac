import { nextFlight } from '../core/next-flight.ts'
import { parseRepo } from '../git/remote/repo-url.ts'
import type { Announcements, PushEvent } from './announcements.ts'
import type { Engine } from './contract.ts'
import type { Parts } from './parts.ts'

/** Refreshes in the background, until it is closed. */
export interface Refreshing extends Announcements {
  close(): Promise<void>
}

/** Refreshes what was pushed, where an image of it is kept; throws `url_invalid` and `host_forbidden`. */
export function refreshing({ settings, images }: Pick<Parts, 'settings' | 'images'>, warm: Engine['warm']): Refreshing {
  const closing = new AbortController()
  const underWay = new Set<Promise<void>>()
  // Whoever pushes while an earlier push is fetched is served by one more turn.
  const flights = nextFlight<void>({ permits: 1 })

  async function refresh(key: string, { repo, ref }: PushEvent): Promise<void> {
    const work = async (signal: AbortSignal): Promise<void> => {
      if (await images.knows(key)) await warm({ repo, ref, maxStalenessMs: 0 }, { signal })
    }
    await flights.run(JSON.stringify([key, ref]), work, { signal: closing.signal })
  }

  return {
    async pushed(event) {
      const { key } = parseRepo(event.repo, { ...settings, allowLocal: false })
      // Its span has told what failed; the next who asks for it is told as well.
      const done = refresh(key, event)
        .catch(() => {})
        .finally(() => underWay.delete(done))
      underWay.add(done)
    },
    async close() {
      closing.abort()
      await Promise.all(underWay)
    },
  }
}
