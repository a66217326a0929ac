import { nextFlight } from '../core/next-flight.ts'
import { semaphore } from '../core/semaphore.ts'
import { parseRepo } from '../git/remote/repo-url.ts'
import type { Announcements, PushEvent } from './announcements.ts'
import type { Parts } from './parts.ts'
import { refreshKept } from './refresh-kept.ts'

/** Repositories that are refreshed at once because of a push, and those that wait: what is announced beyond is forgotten. */
const AT_ONCE = 2
const MAX_WAITING = 1000

/** Refreshes what was pushed, where somebody asks for it; `closing` ends what is under way. */
export function refreshPushed(parts: Parts, closing: AbortSignal): Announcements & { idle(): Promise<void> } {
  const underWay = new Set<Promise<void>>()
  // Whoever pushes while an earlier push is fetched is served by one more turn.
  const flights = nextFlight<void>({ permits: 1 })
  const turns = semaphore({ name: 'refreshes', permits: AT_ONCE, maxWaiting: MAX_WAITING })
  /** What was pushed to repositories whose turn has not come yet. */
  const pushes = new Map<string, Set<string>>()

  async function refresh(key: string, ref: string): Promise<void> {
    const pushed = pushes.get(key) ?? new Set()
    pushes.set(key, pushed.add(ref))
    const work = (signal: AbortSignal): Promise<void> =>
      turns.run(
        () => {
          const refs = [...(pushes.get(key) ?? [])]
          pushes.delete(key)
          return refreshKept(parts, key, (asked) => refs.some((one) => means(asked, one)), { signal })
        },
        { signal },
      )
    await flights.run(key, work, { signal: closing })
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
