import { createHash } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { AppError } from '../../core/errors.ts'
import type { SandboxLimits } from '../contract.ts'

/** Control groups as this host lets us use them. */
export interface Cgroups {
  readonly version: 1 | 2
  /** Directories below which each sandbox gets one of its own; one on v2, one for each controller on v1. */
  readonly bases: readonly string[]
  /** What the names of this state directory's groups begin with: each one's reaper removes its own only. */
  readonly prefix: string
}

/** The groups of one sandbox. */
export interface CgroupOfSandbox {
  /** Files a command writes "0" into to join. */
  readonly joinFiles: readonly string[]
  /** What a limit stopped since the last call, the gravest first. */
  limitHit(): 'memory_limit' | 'process_limit' | null
  /** Raises the limit on processes by those that have ended and only wait to be looked after: see `ended` below. */
  discountEnded(limit: number, commands: number): void
  /** Pids of everything that runs in it. */
  processes(): readonly number[]
  /** Removes the groups; false while something still runs in them. */
  remove(): boolean
}

/** Makes the groups of one sandbox once its first command needs them. */
export interface GroupMaker {
  readonly version: 1 | 2
  make(): CgroupOfSandbox
}

const GROUP = 'forkyard'
const controllers = ['memory', 'pids', 'cpu'] as const

/** Finds writable control groups: v2 where it is delegated, else v1, else `null` (no limits on this host). */
export function findCgroups({
  root = '/sys/fs/cgroup',
  own = '/proc/self/cgroup',
  stateDir = '',
} = {}): Cgroups | null {
  const lines = readFileSync(own, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(':'))
  const ownPath = (name: string): string =>
    lines
      .find(([, names]) => names?.split(',').includes(name))
      ?.slice(2)
      .join(':') ?? '/'
  const found = version2(root, ownPath('')) ?? version1(root, ownPath)
  const prefix = `${createHash('sha256').update(stateDir).digest('hex').slice(0, 12)}.`
  return found === null ? null : { ...found, prefix }
}

function version2(root: string, ownPath: string): Omit<Cgroups, 'prefix'> | null {
  const base = `${root}${ownPath === '/' ? '' : ownPath}`
  const available = read(`${base}/cgroup.controllers`)?.split(/\s+/) ?? []
  if (!controllers.every((controller) => available.includes(controller))) return null
  try {
    // Fails with EBUSY where processes other than in leaves would fall under the controllers: then it is not delegated to us.
    writeFileSync(`${base}/cgroup.subtree_control`, controllers.map((controller) => `+${controller}`).join(' '))
    mkdirSync(`${base}/${GROUP}`, { recursive: true })
    writeFileSync(
      `${base}/${GROUP}/cgroup.subtree_control`,
      controllers.map((controller) => `+${controller}`).join(' '),
    )
    return { version: 2, bases: [`${base}/${GROUP}`] }
  } catch {
    // Not writable: the next best is tried, and doctor says what that means.
    return null
  }
}

function version1(root: string, ownPath: (controller: string) => string): Omit<Cgroups, 'prefix'> | null {
  const bases = controllers.map(
    (controller) => `${root}/${controller}${ownPath(controller).replace(/\/$/, '')}/${GROUP}`,
  )
  try {
    for (const base of bases) makeEnterable(base)
    // Another user may have made them: only who may write in them can limit anything.
    for (const base of bases) accessSync(base, constants.W_OK)
    return bases.every((base) => existsSync(`${base}/cgroup.procs`)) ? { version: 1, bases } : null
  } catch {
    // Not writable, as for `version2`.
    return null
  }
}

/** Makes the groups of a sandbox, with its limits; on v1 its user may join them itself. */
export function createCgroup(cgroups: Cgroups, id: string, limits: SandboxLimits, uid: number | null): CgroupOfSandbox {
  const directories = directoriesOf(cgroups, id)
  try {
    for (const directory of directories) mkdirSync(directory)
    for (const directory of directories) makeEnterable(directory)
    for (const [name, value] of settings(cgroups.version, limits)) {
      const directory =
        cgroups.version === 2 ? directories[0] : directories[controllers.indexOf(name.split('.')[0] as 'memory')]
      writeFileSync(`${directory}/${name}`, value)
    }
    if (cgroups.version === 1 && uid !== null)
      for (const directory of directories) chownSync(`${directory}/cgroup.procs`, uid, uid)
  } catch (cause) {
    for (const directory of directories) remove(directory)
    throw new AppError('host_unable', 'Cannot limit a sandbox: its control group was refused', { cause })
  }
  return openCgroup(cgroups, id)
}

/** The groups of a sandbox that exists, made perhaps by a process that is gone. */
export function openCgroup(cgroups: Cgroups, id: string): CgroupOfSandbox {
  const directories = directoriesOf(cgroups, id)
  const counters = { memory: 0, processes: 0 }
  let allowed: number | null = null
  const [memory = '', pids = memory] = directories
  return {
    joinFiles: directories.map((directory) => `${directory}/cgroup.procs`),
    limitHit() {
      const killed = counter(`${memory}/${cgroups.version === 2 ? 'memory.events' : 'memory.oom_control'}`, 'oom_kill')
      const refused = counter(`${pids}/pids.events`, 'max')
      const hit = killed > counters.memory ? 'memory_limit' : refused > counters.processes ? 'process_limit' : null
      Object.assign(counters, { memory: killed, processes: refused })
      return hit
    },
    discountEnded(limit, commands) {
      const current = Number(read(`${pids}/pids.current`))
      if (allowed === null && current < limit / 2) return
      // Programs can keep ended processes of their own on purpose: each command leaves one at the most.
      const wanted =
        limit + Math.min(commands, ended(current, `${pids}/${cgroups.version === 2 ? 'cgroup.threads' : 'tasks'}`))
      if (wanted !== allowed) writeFileSync(`${pids}/pids.max`, String(wanted))
      allowed = wanted
    },
    processes: () => (read(`${memory}/cgroup.procs`) ?? '').split('\n').filter(Boolean).map(Number),
    remove: () => directories.map(remove).every(Boolean),
  }
}

/**
 * How many of a group's processes have ended. Bubblewrap leaves its last one to the machine's first process, which may
 * look seldom, or in a container never; until then each counts, though the sandbox could not help it.
 */
function ended(current: number, threadsPath: string): number {
  const living = (read(threadsPath) ?? '').split('\n').length - 1
  return Math.max(0, current - living)
}

/** Ids of all sandboxes of this state directory that have groups. */
export function listCgroups({ bases, prefix }: Cgroups): readonly string[] {
  const names = bases.flatMap((base) => readdirSync(base)).filter((name) => name.startsWith(prefix))
  return [...new Set(names.map((name) => name.slice(prefix.length)))]
}

function directoriesOf({ bases, prefix }: Cgroups, id: string): readonly string[] {
  return bases.map((base) => `${base}/${prefix}${id}`)
}

/** The files and values that put `limits` into force; pure. */
export function settings(version: 1 | 2, limits: SandboxLimits): readonly (readonly [name: string, value: string])[] {
  const period = 100_000
  const quota = Math.round(limits.cpus * period)
  return version === 2
    ? [
        ['memory.max', String(limits.memoryBytes)],
        ['memory.oom.group', '1'],
        ['pids.max', String(limits.processes)],
        ['cpu.max', `${quota} ${period}`],
      ]
    : [
        ['memory.limit_in_bytes', String(limits.memoryBytes)],
        ['pids.max', String(limits.processes)],
        ['cpu.cfs_period_us', String(period)],
        ['cpu.cfs_quota_us', String(quota)],
      ]
}

/** On version 1 the sandboxes' user joins by itself, whatever this process's umask is. */
function makeEnterable(directory: string): void {
  mkdirSync(directory, { recursive: true })
  if ((statSync(directory).mode & 0o755) !== 0o755) chmodSync(directory, 0o755)
}

function counter(path: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(read(path) ?? '')?.[1] ?? 0)
}

function remove(directory: string): boolean {
  try {
    rmdirSync(directory)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // A file this kernel or this group does not have.
    return null
  }
}
