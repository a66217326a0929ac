import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { findCgroups, hasMaker, listCgroups, openCgroup, type Cgroups } from '../../src/sandbox/local/cgroup.ts'

/** What a state directory's sandboxes have on the host: processes, mounts, control groups, files; empty where none is left. */
export function tracesOf(stateDir: string): readonly string[] {
  const files = ['run', 'tmp'].flatMap((folder) => names(`${stateDir}/${folder}`).map((name) => `${folder}/${name}`))
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(stateDir))
  const cgroups = findCgroups({ stateDir })
  const groups = cgroups === null ? [] : groupsInUse(cgroups)
  return [...files, ...mounts, ...groups, ...processesOf(stateDir).map((pid) => `process ${pid}`)]
}

/** Control groups of sandboxes, and what is left of any; not those of launchers that a living service keeps or makes ready. */
export function groupsInUse(cgroups: Cgroups): readonly string[] {
  return listCgroups(cgroups)
    .filter((id) => {
      const pids = openCgroup(cgroups, id).processes()
      return pids.length === 0 ? !isBeingMade(cgroups, id) : !pids.every(isReadyLauncher)
    })
    .map((id) => `control group ${id}`)
}

/** A group that nobody is in, and that never had a limit, is one for the next launcher. */
function isBeingMade({ bases, prefix }: Cgroups, id: string): boolean {
  return hasMaker(id) && bases.some((base) => read(`${base}/${prefix}${id}/pids.max`).trim() === 'max')
}

/** Whether a process is a launcher of a living service that holds no sandbox. */
export function isReadyLauncher(pid: number): boolean {
  const isLauncher = read(`/proc/${pid}/cmdline`).startsWith('/usr/bin/perl\0-e\0# How the launcher')
  const parent = Number(/^PPid:\s*(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1])
  return isLauncher && parent > 1 && read(`/proc/${pid}/mountinfo`) === read('/proc/self/mountinfo')
}

/** Every process in any sandbox of a state directory: what is mounted there shows whose it is, whatever it calls itself. */
export function processesOf(stateDir: string): readonly number[] {
  const own = readFileSync('/proc/self/mountinfo', 'utf8')
  // Mounts name paths from the top of their file system.
  const mark = stateDir.split('/').find((part) => part.startsWith('forkyard-test-')) ?? stateDir
  return names('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const mounts = read(`/proc/${pid}/mountinfo`)
      return mounts !== own && mounts.includes(mark)
    })
    .map(Number)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // It has ended, or is another user's.
    return ''
  }
}

function names(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : []
}
