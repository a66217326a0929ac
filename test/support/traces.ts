import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { findCgroups, listCgroups } from '../../src/sandbox/local/cgroup.ts'

/** What a state directory's sandboxes have on the host: processes, mounts, control groups, files; empty where none is left. */
export function tracesOf(stateDir: string): readonly string[] {
  const files = ['run', 'tmp'].flatMap((folder) => names(`${stateDir}/${folder}`).map((name) => `${folder}/${name}`))
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(stateDir))
  const cgroups = findCgroups({ stateDir })
  const groups = cgroups === null ? [] : listCgroups(cgroups).map((id) => `control group ${id}`)
  return [...files, ...mounts, ...groups, ...processesOf(stateDir).map((pid) => `process ${pid}`)]
}

/** Every process in any sandbox of a state directory: what is mounted there shows whose it is, whatever it calls itself. */
export function processesOf(stateDir: string): readonly number[] {
  const own = readFileSync('/proc/self/mountinfo', 'utf8')
  // Mounts name paths from the top of their file system.
  const mark = stateDir.split('/').find((part) => part.startsWith('forkyard-test-')) ?? stateDir
  return names('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const mounts = mountsOf(pid)
      return mounts !== own && mounts.includes(mark)
    })
    .map(Number)
}

function mountsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
  } catch {
    // It has ended, or is another user's.
    return ''
  }
}

function names(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : []
}
