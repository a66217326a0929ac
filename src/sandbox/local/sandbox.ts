import { AppError, hasCode } from '../../core/errors.ts'
import type { Command } from '../../core/exec.ts'
import { span } from '../../core/spans.ts'
import type { Sandbox, SandboxSpec, Upper } from '../contract.ts'
import { supervise, type BareProcess } from '../supervised.ts'
import { startProcess } from './bare-process.ts'
import type { CommandPlace } from './command-plan.ts'
import { cpuYielding } from './cpu-share.ts'
import type { Holder } from './holder.ts'
import { toolOf } from './host-command.ts'
import type { Journal } from './journal.ts'
import type { Launcher } from './launcher-conversation.ts'
import { limitWatch, type LimitWatch } from './limit-watch.ts'
import { endProcesses, removeGroups } from './reaper.ts'
import { removeTree } from './remove-tree.ts'
import type { StateDir } from './state-dir.ts'

export interface LocalSandbox extends Sandbox {
  readonly spec: SandboxSpec
  readonly upper: Upper
  /** What it was made from, the newest first; still there when its image is dropped. */
  readonly layers: readonly string[]
  readonly holder: Holder
  readonly limits: LimitWatch
  /** Whether commands can run in it, as far as is known without asking. */
  isAlive(): boolean
  /** Keeps the sandbox while `use` runs, whose signal aborts when the sandbox is to end. */
  lend<T>(use: (ending: AbortSignal) => Promise<T>): Promise<T>
  /** Ends everything in it, hands over the upper directory, then removes the rest. */
  end<T>(take: (upperDir: string) => Promise<T>): Promise<T>
}

interface Parts {
  readonly id: string
  readonly spec: SandboxSpec
  readonly upper: Upper
  readonly diskDir: string | null
  readonly holder: Holder
  readonly filterPath: string
  readonly launcher: Launcher
  readonly layers: readonly string[]
  readonly state: StateDir
  readonly journal: Journal
  readonly onEnd: () => Promise<void>
}

export function localSandbox(parts: Parts): LocalSandbox {
  const { id, spec, diskDir, holder, launcher, state } = parts
  const { group } = holder
  const limits = limitWatch({ stateDir: state.path, diskDir, holder, limits: spec.limits })
  const cpu = cpuYielding(group, spec.limits.cpus)
  const running = new Set<BareProcess>()
  const loans = new Set<Promise<unknown>>()
  const ending = new AbortController()
  const isEnding = (): boolean => ending.signal.aborted
  const isAlive = (): boolean => !isEnding() && holder.isAlive()
  let destroyed: Promise<void> | null = null

  const place: CommandPlace = {
    stateDir: state.path,
    mark: id,
    filterPath: parts.filterPath,
    maxFileBytes: spec.limits.diskBytes,
  }

  function start(command: Command): BareProcess {
    const bare = startProcess(holder.launcher, place, command)
    const stopYielding = cpu.begin()
    let limit: AppError | null = null
    const stopWatching = limits.begin((error) => {
      limit = error
      bare.kill()
    })
    const ended = bare.ended
      .catch(async (error: unknown) => {
        // What starts commands shares their limits.
        if (!isEnding() && hasCode(error, 'over_capacity', 'sandbox_lost')) await explain(137)
        throw error
      })
      .then(async (exit) => {
        if (limit !== null) throw limit
        if (exit.code !== 0 && !isEnding()) await explain(exit.code, exit.signal)
        // However it ended by itself, its output was cut.
        if (!isAlive()) throw gone('run a command')
        return exit
      })
      .finally(() => {
        stopWatching()
        stopYielding()
        running.delete(supervisable)
      })
    const supervisable: BareProcess = { ...bare, ended }
    running.add(supervisable)
    return supervisable
  }

  /** Throws the limit that made a command fail, if one did. */
  async function explain(exitCode: number, signal: string | null = null): Promise<void> {
    const reached = await limits.reached(exitCode, signal)
    if (reached !== null) throw reached
  }

  function gone(action: string): AppError {
    return new AppError('sandbox_lost', `Cannot ${action}: sandbox ${id} ended`)
  }

  async function endCommands(): Promise<void> {
    ending.abort(gone('go on'))
    cpu.end()
    const ends = [...running].map(({ ended }) => ended.catch(() => {}))
    for (const process of running) {
      process.kill()
      // Its readers learn from `ended` that the output was cut.
      process.discard()
    }
    await Promise.all([...ends, ...loans])
  }

  async function removeRest(): Promise<void> {
    if (diskDir !== null) await removeTree(toolOf(launcher), diskDir)
    if (group !== null && !(await removeGroups(group))) {
      // Something slipped out of the bracket above; the mark finds it.
      await endProcesses(new Set([id]))
      await removeGroups(group)
    }
    parts.journal.erase(id)
    await parts.onEnd()
  }

  return {
    id,
    spec,
    image: spec.image,
    upper: parts.upper,
    layers: parts.layers,
    holder,
    limits,
    isAlive,
    warnings: group === null ? ['no limit on memory, processes and cpu: this host has no writable control groups'] : [],

    exec(command) {
      if (!isAlive()) throw gone('run a command')
      return supervise(start(command), command)
    },

    async lend(use) {
      if (!isAlive()) throw gone('fork it')
      const using = use(ending.signal)
      const loan = using.catch(() => {})
      loans.add(loan)
      return using.finally(() => loans.delete(loan))
    },

    destroy() {
      destroyed ??= span('destroy', { driver: 'local' }, async () => {
        await endCommands()
        await holder.end()
        await removeRest()
      })
      return destroyed
    },

    async end(take) {
      if (destroyed !== null || diskDir === null)
        throw new AppError('sandbox_lost', `Cannot freeze sandbox ${id}: it is gone`)
      const ended = Promise.withResolvers<void>()
      destroyed = ended.promise
      try {
        await endCommands()
        await holder.end()
        // What a command left behind is ended, but may not be gone yet; an image must not change any more.
        if (group !== null) await removeGroups(group)
        return await take(`${diskDir}/upper`)
      } finally {
        try {
          await removeRest()
        } finally {
          ended.resolve()
        }
      }
    },
  }
}
