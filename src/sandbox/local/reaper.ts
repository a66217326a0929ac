import { readFileSync, readdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { hasMaker, listCgroups, openCgroup, type CgroupOfSandbox, type Cgroups } from './cgroup.ts'
import type { Journal, JournalEntry } from './journal.ts'
import { identify, isAlive } from '../../core/process-identity.ts'
import { ownTool, type HostTool } from './host-command.ts'
import { removeStray } from './remove-tree.ts'
import type { StateDir } from './state-dir.ts'

/** Variable in the environment of a sandbox's holder and of what starts its commands; it marks them, and says nothing. */
export const MARK = 'FORKYARD_SANDBOX'

/** How often and how long a reaper looks whether what it killed is gone. */
const POLL_MS = 10
const MAX_POLLS = 300

/**
 * Removes what dead processes left: their sandboxes' processes, disk uppers, control groups, temporary files.
 * Touches nothing of a living process; safe to run in several processes at once. Returns how many sandboxes were reaped.
 */
export async function reap(
  state: StateDir,
  journal: Journal,
  cgroups: Cgroups | null,
  tool: HostTool,
): Promise<number> {
  const entries = journal.entries()
  const dead = entries.filter(({ owner }) => !isAlive(owner))
  if (dead.length > 0) await endProcesses(new Set(dead.map(({ id }) => id)))
  for (const { id } of dead) {
    await removeStray(tool, `${state.path}/run/${id}`)
    journal.erase(id)
  }
  await removeStrays(state, journal, cgroups, entries, tool)
  return dead.length
}

/** Kills every process that carries the mark of one of these sandboxes, and waits until none is left. */
export async function endProcesses(ids: ReadonlySet<string>): Promise<void> {
  for (let poll = 0; poll < MAX_POLLS; poll += 1) {
    const pids = markedProcesses(ids)
    if (pids.length === 0) return
    for (const pid of pids) kill(pid)
    await pause(POLL_MS)
  }
}

/** Removes groups, whose last processes may still be on their way out; false where some stay. */
export async function removeGroups(groups: CgroupOfSandbox): Promise<boolean> {
  for (let poll = 0; poll < MAX_POLLS / 10; poll += 1) {
    if (groups.remove()) return true
    await pause(POLL_MS / 2)
  }
  return false
}

/** What no journal entry speaks of: entries come before everything else and go after it, so nobody uses these. */
async function removeStrays(
  state: StateDir,
  journal: Journal,
  cgroups: Cgroups | null,
  known: readonly JournalEntry[],
  tool: HostTool,
): Promise<void> {
  const isKnown = (id: string): boolean =>
    known.some((entry) => entry.id === id) || journal.entries().some((entry) => entry.id === id)
  for (const name of readdirSync(`${state.path}/run`)) {
    if (!journal.holds(name) && !isKnown(name)) await removeStray(tool, `${state.path}/run/${name}`)
  }
  for (const name of readdirSync(`${state.path}/tmp`)) {
    // No sandbox writes here, and what a service that is root was writing belongs to root.
    if (identify(Number.parseInt(name, 10)) === null) await removeStray(ownTool, `${state.path}/tmp/${name}`)
  }
  if (cgroups === null) return
  for (const id of listCgroups(cgroups)) if (!hasMaker(id)) await removeGroups(openCgroup(cgroups, id))
}

function markedProcesses(ids: ReadonlySet<string>): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => ids.has(markOf(pid) ?? ''))
}

function markOf(pid: number): string | undefined {
  try {
    const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    return variables.find((variable) => variable.startsWith(`${MARK}=`))?.slice(MARK.length + 1)
  } catch {
    // Gone meanwhile, or another user's: not one of ours.
    return undefined
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
