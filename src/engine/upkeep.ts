import type { Clock } from '../core/clock.ts'
import type { RepositoryCache } from '../workspace/repository-cache.ts'

/** How often the cache is tidied where nothing expires before. */
const TIDY_MS = 60_000

/** Tidies the cache of repositories again and again; keeps no program alive. */
export function upkeep(cache: Pick<RepositoryCache, 'tidy'>, clock: Clock): { close(): Promise<void> } {
  let isOver = false
  let timer = wait(TIDY_MS)
  let running: Promise<void> = Promise.resolve()

  function wait(ms: number): NodeJS.Timeout {
    return setTimeout(() => void (running = run()), ms).unref()
  }

  async function run(): Promise<void> {
    // What cannot be tidied now is tried again; its span tells why.
    const next = await cache.tidy().catch(() => null)
    const untilNext = next === null ? TIDY_MS : Math.max(0, next - clock.now()) + 1
    if (!isOver) timer = wait(Math.min(TIDY_MS, untilNext))
  }

  return {
    async close() {
      isOver = true
      clearTimeout(timer)
      await running
    },
  }
}
