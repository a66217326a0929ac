import { readFileSync } from 'node:fs'

/** A process that no later one can be mistaken for: pids are reused, start times and boots are not. */
export interface ProcessIdentity {
  readonly pid: number
  /** Start time in clock ticks since boot, from /proc/<pid>/stat. */
  readonly startTime: string
  readonly bootId: string
}

/** Identifies a living process; `null` where there is none. */
export function identify(pid: number): ProcessIdentity | null {
  const startTime = startTimeOf(pid)
  return startTime === null ? null : { pid, startTime, bootId: currentBoot() }
}

/** This process, as others may want to know it. */
export function thisProcess(): ProcessIdentity {
  const identity = identify(process.pid)
  if (identity === null) throw new Error('Cannot read /proc/self')
  return identity
}

export function isAlive({ pid, startTime, bootId }: ProcessIdentity): boolean {
  return bootId === currentBoot() && startTimeOf(pid) === startTime
}

export function currentBoot(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}

/** Pids of the direct children of a process. */
export function childrenOf(pid: number): readonly number[] {
  return (readProc(`/proc/${pid}/task/${pid}/children`) ?? '').split(' ').filter(Boolean).map(Number)
}

function startTimeOf(pid: number): string | null {
  const stat = readProc(`/proc/${pid}/stat`)
  if (stat === null) return null
  // The program's name stands in parentheses and may hold anything, so fields are counted from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // A zombie has ended: it only waits for its parent to look.
  return fields[0] === 'Z' ? null : (fields[19] ?? null)
}

function readProc(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // The process is gone, which is the answer.
    return null
  }
}
