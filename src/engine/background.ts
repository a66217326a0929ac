import type { Clock } from '../core/clock.ts'
import type { Directory } from '../directory/directory.ts'
import { advise, type Advice } from './advisor.ts'
import type { Announcements } from './announcements.ts'
import { creationTimes } from './creation-times.ts'
import type { Parts } from './parts.ts'
import { refreshPushed } from './pushed.ts'
import { upkeep } from './upkeep.ts'
import { warmUp } from './warm-up.ts'

/** What an engine does that nobody waits for, until it is closed. */
export interface Background extends Announcements {
  /** What its operator might change, from what was measured. */
  advice(): Promise<readonly Advice[]>
  close(): Promise<void>
}

interface BackgroundSettings {
  readonly clock: Clock
  /** Whether it serves for long: then it warms up what is used most, and measures what advice is given from. */
  readonly isService: boolean
  readonly directory: Pick<Directory<unknown>, 'join' | 'instances'>
}

export function background(parts: Parts, { clock, isService, directory }: BackgroundSettings): Background {
  const { warmUpMs } = parts.settings
  const closing = new AbortController()
  const creations = isService ? creationTimes() : null
  // Who cannot be counted is not missed by more than a piece of advice.
  const joined = isService ? directory.join().catch(() => async () => {}) : null
  const pushes = refreshPushed(parts, closing.signal)
  const tidying = upkeep(parts.cache, clock)
  const warming = !isService || warmUpMs === 0 ? Promise.resolve() : warmUp(parts, warmUpMs, closing.signal)
  return {
    pushed: (event) => pushes.pushed(event),
    async advice() {
      if (creations === null) return []
      const [instances, creationMs] = [await directory.instances(), creations.medianMs()]
      return advise({ instances, creationMs, cache: parts.cache.figures, pool: parts.pool.figures })
    },
    async close() {
      closing.abort()
      creations?.close()
      const leave = joined?.then((forget) => forget())
      await Promise.all([pushes.idle(), tidying.close(), warming, leave])
    },
  }
}
