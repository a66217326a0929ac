import type { CgroupOfSandbox, CpuShare } from './cgroup.ts'

/** How long a command keeps its full weight, and then how often its sandbox is looked at. */
const LOOK_MS = 100
const FULL_WEIGHT = 100
/** What answers at once is waited for: next to it, long work hardly shows that it yields. */
const LONG_WORK_WEIGHT = 10
/** Forks that the limit refused between two looks, from which on a program does not fork to get anything done. */
const REFUSED_FORKS = 10
/**
 * What programs that fork without end get. The kernel's own locks are held by who waits for a core, so that hundreds
 * that run slow down everything else, whatever they weigh: only few cores' worth of them does not.
 */
const BOMB_CPUS = 0.25
/** How long they must have stopped before they are believed. */
const CALM_MS = 10_000

/** The share of a sandbox; pure. `forkedAt` is when it last forked without end, in milliseconds on the clock of `now`. */
export function shareOf({
  isLong,
  forkedAt,
  now,
  cpus,
}: {
  readonly isLong: boolean
  readonly forkedAt: number
  readonly now: number
  readonly cpus: number
}): CpuShare {
  return {
    weight: isLong ? LONG_WORK_WEIGHT : FULL_WEIGHT,
    cpus: now - forkedAt < CALM_MS ? Math.min(cpus, BOMB_CPUS) : cpus,
  }
}

/** Makes one sandbox leave the processors to others while it works long, and more so while it forks without end. */
export function cpuYielding(group: CgroupOfSandbox | null, cpus: number): { begin(): () => void; end(): void } {
  if (group === null) return { begin: () => () => {}, end: () => {} }
  let underWay = 0
  let timer: NodeJS.Timeout | null = null
  let refused = 0
  let forkedAt = -Infinity
  let given: CpuShare = { weight: FULL_WEIGHT, cpus }

  function give(isLong: boolean): void {
    const share = shareOf({ isLong, forkedAt, now: performance.now(), cpus })
    if (share.weight !== given.weight || share.cpus !== given.cpus) group?.share(share)
    given = share
  }

  function look(): void {
    const total = group?.refusedForks() ?? 0
    if (total - refused >= REFUSED_FORKS) forkedAt = performance.now()
    refused = total
    give(true)
  }

  function stop(): void {
    if (timer !== null) clearInterval(timer)
    timer = null
  }

  return {
    /** To be called when a command begins; what it returns, when the command ended. */
    begin() {
      underWay += 1
      timer ??= setInterval(look, LOOK_MS).unref()
      return () => {
        underWay -= 1
        if (underWay > 0) return
        stop()
        give(false)
      }
    },
    /** Gives all back, for what ends soon. */
    end() {
      stop()
      forkedAt = -Infinity
      give(false)
    },
  }
}
