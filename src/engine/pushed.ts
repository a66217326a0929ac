import { nextFlight } from '../core/next-flight.ts'
import { parseRepo } from '../git/remote/repo-url.ts'
import type { Announcements, PushEvent } from './announcements.ts'
import type { Parts } from './parts.ts'
import { refreshKept } from './refresh-kept.ts'

/** Refreshes what was pushed, where somebody asks for it; `closing` ends what is under way. */
export function refreshPushed(parts: Parts, closing: AbortSignal): Announcements & { idle(): Promise<void> } {
  const underWay = new Set<Promise<void>>()
  // Whoever pushes while an earlier push is fetched is served by one more turn.
  const flights = nextFlight<void>({ permits: 1 })

  async function refresh(key: string, pushed: string): Promise<void> {
    const isWanted = (ref: string): boolean => means(ref, pushed)
    await flights.run(JSON.stringify([key, pushed]), (signal) => refreshKept(parts, key, isWanted, { signal }), {
      signal: closing,
    })
  }

  return {
    async pushed({ repo, ref }: PushEvent) {
      const { key } = parseRepo(repo, { ...parts.settings, allowLocal: false })
      // Its span has told what failed; the next who asks for it is told as well.
      const done = refresh(key, ref)
        .catch(() => {})
        .finally(() => underWay.delete(done))
      underWay.add(done)
    },
    async idle() {
      await Promise.all(underWay)
    },
  }
}

/** Whether what somebody asked for may be the full name that was pushed; pure. */
function means(ref: string, pushed: string): boolean {
  return ref === 'HEAD' || ref === pushed || pushed === `refs/heads/${ref}` || pushed === `refs/tags/${ref}`
}
