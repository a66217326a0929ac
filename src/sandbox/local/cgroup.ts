import { createHash, randomBytes } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { AppError } from '../../core/errors.ts'
import { identify, thisProcess } from '../../core/process-identity.ts'
import type { SandboxLimits } from '../contract.ts'
import { freezer } from './freezer.ts'
import type { Standing } from './stillness.ts'

/** Control groups as this host lets us use them. */
export interface Cgroups {
  readonly version: 1 | 2
  /** Directories below which each sandbox gets one of its own; one on v2, one for each controller on v1. */
  readonly bases: readonly string[]
  /** What the names of this state directory's groups begin with: each one's reaper removes its own only. */
  readonly prefix: string
}

/** What a sandbox gets of the processors while others want them too. */
export interface CpuShare {
  /** Against 100 of a sandbox with nothing long under way. */
  readonly weight: number
  /** Cores it gets at most. */
  readonly cpus: number
}

/** The groups of one sandbox. */
export interface CgroupOfSandbox {
  /** Puts limits into force. Throws `host_unable`. */
  limit(limits: SandboxLimits): void
  /** Changes what it gets of the processors. */
  share(share: CpuShare): void
  /** Forks that the limit on processes refused so far. */
  refusedForks(): number
  /** Puts a process into it, for which the kernel may take several milliseconds. */
  join(pid: number): Promise<void>
  /** What a limit stopped since the last call, the gravest first. */
  limitHit(): 'memory_limit' | 'process_limit' | null
  /** What stops everything in it; `null` on version 1, where that takes a group of its own that we do not have. */
  readonly freezer: Standing | null
  /** Pids of everything that runs in it. */
  processes(): readonly number[]
  /** Removes the groups; false while something still runs in them. */
  remove(): boolean
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
    for (const base of bases) mkdirSync(base, { recursive: true })
    // Another user may have made them: only who may write in them can limit anything.
    for (const base of bases) accessSync(base, constants.W_OK)
    return bases.every((base) => existsSync(`${base}/cgroup.procs`)) ? { version: 1, bases } : null
  } catch {
    // Not writable, as for `version2`.
    return null
  }
}

/** Makes groups for a sandbox to come, without limits yet; their names tell who made them. */
export function createCgroup(cgroups: Cgroups): CgroupOfSandbox {
  const { pid, startTime } = thisProcess()
  const id = `${pid}.${startTime}.${randomBytes(6).toString('hex')}`
  const directories = directoriesOf(cgroups, id)
  try {
    for (const directory of directories) mkdirSync(directory)
  } catch (cause) {
    for (const directory of directories) remove(directory)
    throw refused(cause)
  }
  return openCgroup(cgroups, id)
}

function refused(cause: unknown): AppError {
  return new AppError('host_unable', 'Cannot limit a sandbox: its control group was refused', { cause })
}

/** Whether the process that made a group still runs. */
export function hasMaker(id: string): boolean {
  const [pid, startTime = ''] = id.split('.')
  return identify(Number(pid))?.startTime === startTime
}

/** Groups that exist, made perhaps by a process that is gone. */
export function openCgroup(cgroups: Cgroups, id: string): CgroupOfSandbox {
  const directories = directoriesOf(cgroups, id)
  const counters = { memory: 0, processes: 0 }
  const [memory = '', pids = memory] = directories
  function put(values: readonly Setting[]): void {
    for (const [name, value] of values) {
      const at = cgroups.version === 2 ? 0 : controllers.indexOf(name.split('.')[0] as 'memory')
      writeFileSync(`${directories[at]}/${name}`, value)
    }
  }
  const refusedForks = (): number => counter(`${pids}/pids.events`, 'max')
  return {
    limit(limits) {
      try {
        put(settings(cgroups.version, limits))
      } catch (cause) {
        throw refused(cause)
      }
    },
    share(share) {
      try {
        put(cpuSettings(cgroups.version, share))
      } catch {
        // The group is gone, or this kernel does not take it: who shares nothing still has its limits.
      }
    },
    refusedForks,
    async join(pid) {
      for (const directory of directories) await writeFile(`${directory}/cgroup.procs`, String(pid))
    },
    limitHit() {
      const killed = counter(`${memory}/${cgroups.version === 2 ? 'memory.events' : 'memory.oom_control'}`, 'oom_kill')
      const processes = refusedForks()
      const hit = killed > counters.memory ? 'memory_limit' : processes > counters.processes ? 'process_limit' : null
      Object.assign(counters, { memory: killed, processes })
      return hit
    },
    freezer: cgroups.version === 2 ? freezer(memory) : null,
    processes: () => (read(`${memory}/cgroup.procs`) ?? '').split('\n').filter(Boolean).map(Number),
    remove: () => directories.map(remove).every(Boolean),
  }
}

/** Ids of all groups of this state directory. */
export function listCgroups({ bases, prefix }: Cgroups): readonly string[] {
  const names = bases.flatMap((base) => readdirSync(base)).filter((name) => name.startsWith(prefix))
  return [...new Set(names.map((name) => name.slice(prefix.length)))]
}

function directoriesOf({ bases, prefix }: Cgroups, id: string): readonly string[] {
  return bases.map((base) => `${base}/${prefix}${id}`)
}

type Setting = readonly [name: string, value: string]

/** The files and values that put `limits` into force; pure. */
export function settings(version: 1 | 2, limits: SandboxLimits): readonly Setting[] {
  return [
    [version === 2 ? 'memory.max' : 'memory.limit_in_bytes', String(limits.memoryBytes)],
    ['pids.max', String(limits.processes)],
    ...cpuQuota(version, limits.cpus),
  ]
}

/** The files and values that give a share of the processors; pure. */
export function cpuSettings(version: 1 | 2, { weight, cpus }: CpuShare): readonly Setting[] {
  // The defaults of both versions, 100 and 1024, mean the same.
  return [
    version === 2 ? ['cpu.weight', String(weight)] : ['cpu.shares', String(Math.round((weight * 1024) / 100))],
    ...cpuQuota(version, cpus),
  ]
}

function cpuQuota(version: 1 | 2, cpus: number): readonly Setting[] {
  const period = 100_000
  const quota = Math.round(cpus * period)
  return version === 2
    ? [['cpu.max', `${quota} ${period}`]]
    : [
        ['cpu.cfs_period_us', String(period)],
        ['cpu.cfs_quota_us', String(quota)],
      ]
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
