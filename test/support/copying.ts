import { readFileSync, readdirSync } from 'node:fs'

/** Pids of what reads (`-c`) or writes (`-x`) for forks of live sandboxes of a state directory. */
export function copying(stateDir: string, mode: '-c' | '-x'): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && wordsOf(name).join(' ').startsWith(`tar ${mode} `))
    .filter((pid) => wordsOf(pid).includes(stateDir))
    .map(Number)
}

/** Resolves once a source is being read. */
export async function untilCopying(stateDir: string): Promise<void> {
  while (copying(stateDir, '-c').length === 0) await new Promise((resolve) => setImmediate(resolve))
}

/** Resolves once nothing is read or written any more; what is killed is gone a moment later. */
export async function untilNoneCopies(stateDir: string): Promise<void> {
  while (copying(stateDir, '-c').length + copying(stateDir, '-x').length > 0)
    await new Promise((resolve) => setImmediate(resolve))
}

function wordsOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    // It ended just now.
    return []
  }
}
