import type { Socket } from 'node:net'
import { AppError } from '../../core/errors.ts'
import type { SandboxLimits } from '../contract.ts'
import { createCgroup, type CgroupOfSandbox, type Cgroups } from './cgroup.ts'
import { launcherAt, type Launch, type Launcher, type SandboxLauncher } from './launcher-conversation.ts'
import { planFields, type HolderStep } from './mount-plan.ts'
import { removeGroups } from './reaper.ts'
import { stillness, type Stillness } from './stillness.ts'

/** The launcher of one sandbox: the process that holds its namespaces and starts what runs in it. */
export interface Holder {
  readonly pid: number
  readonly launcher: SandboxLauncher
  /** Starts a small program with its mounts and rights, but outside of the sandbox's limits. */
  visit(argv: readonly string[]): Launch
  readonly whileStill: Stillness
  /** The sandbox's control groups; `null` where the host has none. */
  readonly group: CgroupOfSandbox | null
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<void>
  isAlive(): boolean
  /** Whether this program stays alive for it. */
  keep(isKept: boolean): void
  /** Ends it and everything it started. */
  end(): Promise<void>
}

export interface Holders {
  /** A holder whose plan is carried out. Throws `host_unable`, `over_capacity`, `sandbox_failed` and `sandbox_lost`. */
  take(steps: readonly HolderStep[], limits: SandboxLimits): Promise<Holder>
  /** Makes one ready that has no plan yet, so that the next sandbox need not wait for it. */
  prepare(): void
  /** Ends the one that nobody took. */
  close(): Promise<void>
}

/**
 * Holders below the driver's launcher. One is kept ready from the first use on: to move a process into a control group
 * takes the kernel some ten milliseconds, in which it waits for all processors, and whatever is started below it
 * afterwards is born there.
 */
export function holders(main: Launcher, cgroups: Cgroups | null): Holders {
  let spare: Promise<Holder> | null = null
  let isClosed = false

  function prepare(): void {
    if (isClosed) return
    if (spare !== null) return
    const making = make()
    spare = making
    making.then(
      (holder) => holder.keep(spare !== making),
      () => {
        // Whoever takes it learns why; the next one tries again.
        if (spare === making) spare = null
      },
    )
  }

  async function make(): Promise<Holder> {
    const group = cgroups === null ? null : createCgroup(cgroups)
    try {
      return await startIn(group)
    } catch (error) {
      group?.remove()
      throw error
    }
  }

  async function startIn(group: CgroupOfSandbox | null): Promise<Holder> {
    const prepareIt = group === null ? null : (pid: number): Promise<void> => group.join(pid)
    const launch = main.start({ kind: 'launcher', fields: [], hasInput: true, prepare: prepareIt })
    const { pid, stdin, stdout, stderr } = await launch.started
    if (stdin === null) throw new AppError('internal', 'Cannot use a launcher: it has no input')
    ;(stderr as Socket).unref().resume()
    let isAlive = true
    const gone = (): void => void (isAlive = false)
    // Where the launcher above is gone, so is this one.
    const ended = launch.ended.then(gone, gone)
    const launcher = launcherAt({ pid, stdin: stdin as Socket, stdout: stdout as Socket, ended, keepAlive: null })
    const end = (): Promise<void> => {
      launch.keep(true)
      return launcher.close()
    }
    return {
      pid,
      launcher,
      visit: (argv) => launch.visit(argv),
      whileStill: stillness(group?.freezer ?? launcher),
      group,
      ended,
      isAlive: () => isAlive,
      keep: (isKept) => launch.keep(isKept),
      end,
    }
  }

  async function takeSpare(): Promise<Holder> {
    prepare()
    const taken = spare ?? make()
    spare = null
    const holder = await taken
    holder.keep(true)
    if (holder.isAlive()) return holder
    // It ended while it waited.
    await remove(holder)
    return make()
  }

  return {
    async take(steps, limits) {
      const holder = await takeSpare()
      try {
        holder.group?.limit(limits)
        await holder.launcher.hold(planFields(steps))
        return holder
      } catch (error) {
        await remove(holder)
        throw error
      } finally {
        prepare()
      }
    },
    prepare,
    async close() {
      isClosed = true
      const left = (await spare?.catch(() => null)) ?? null
      if (left !== null) await remove(left)
    },
  }
}

async function remove(holder: Holder): Promise<void> {
  await holder.end()
  if (holder.group !== null) await removeGroups(holder.group)
}
