import { statfs } from 'node:fs/promises'
import { AppError, hasCode } from '../../core/errors.ts'
import type { Command } from '../../core/exec.ts'
import { span } from '../../core/spans.ts'
import type { Sandbox, SandboxSpec, Upper } from '../contract.ts'
import { supervise, type BareProcess } from '../supervised.ts'
import { startProcess } from './bare-process.ts'
import type { CommandPlace } from './command-plan.ts'
import { limitHit, watchDisk } from './disk-watch.ts'
import type { Holder } from './holder.ts'
import { toolOf } from './host-command.ts'
import type { Journal } from './journal.ts'
import type { Launcher } from './launcher-conversation.ts'
import { UPPER } from './mount-plan.ts'
import { endProcesses, removeGroups } from './reaper.ts'
import { removeTree } from './remove-tree.ts'
import type { StateDir } from './state-dir.ts'

export interface LocalSandbox extends Sandbox {
  readonly upper: Upper
  /** What it was made from, the newest first; still there when its image is dropped. */
  readonly layers: readonly string[]
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
  const running = new Set<BareProcess>()
  // Directories that a program closed to its own user are open to the holder, whose namespace gives it the right.
  const asHolder = toolOf(holder.launcher)
  let isEnding = false
  let destroyed: Promise<void> | null = null

  const place: CommandPlace = {
    stateDir: state.path,
    mark: id,
    filterPath: parts.filterPath,
    maxFileBytes: spec.limits.diskBytes,
  }

  function start(command: Command): BareProcess {
    const bare = startProcess(holder.launcher, place, command)
    let limit: AppError | null = null
    const stopWatching =
      diskDir === null
        ? () => {}
        : watchDisk(`${diskDir}/upper`, asHolder, spec.limits, (error) => {
            limit = error
            bare.kill()
          })
    const ended = bare.ended
      .catch(async (error: unknown) => {
        // What starts commands shares their limits.
        if (!isEnding && hasCode(error, 'over_capacity', 'sandbox_lost')) await explain(137)
        throw error
      })
      .then(async (exit) => {
        if (limit !== null) throw limit
        const isDestroyed = isEnding && exit.signal === 'SIGKILL'
        if (exit.code !== 0 && !isDestroyed) await explain(exit.code, exit.signal)
        if (isDestroyed || !holder.isAlive())
          throw new AppError('sandbox_lost', `Cannot run a command: sandbox ${id} ended`)
        return exit
      })
      .finally(() => {
        stopWatching()
        running.delete(supervisable)
      })
    const supervisable: BareProcess = { ...bare, ended }
    running.add(supervisable)
    return supervisable
  }

  /** Throws the limit that made a command fail, if one did. */
  async function explain(exitCode: number, signal: string | null = null): Promise<void> {
    const hit = group?.limitHit() ?? null
    const details = { exitCode }
    if (hit === 'memory_limit')
      throw new AppError(hit, `Cannot go on: the sandbox used more than ${spec.limits.memoryBytes} bytes of memory`, {
        details,
      })
    if (hit === 'process_limit')
      throw new AppError(hit, `Cannot go on: the sandbox ran more than ${spec.limits.processes} processes`, { details })
    if (signal === 'SIGXFSZ')
      throw new AppError('disk_limit', `Cannot go on: a file grew beyond ${spec.limits.diskBytes} bytes`, { details })
    const full = diskDir === null ? await memoryUpperHit() : await limitHit(`${diskDir}/upper`, asHolder, spec.limits)
    if (full !== null) throw new AppError(full.code, full.message, { details })
  }

  /** The path is the holder's own mount, reached through its process: nothing in it comes from the sandbox. */
  async function memoryUpperHit(): Promise<AppError | null> {
    if (!holder.isAlive()) return null
    const { bfree, ffree } = await statfs(`/proc/${holder.pid}/root${state.path}/${UPPER}`)
    if (ffree === 0)
      return new AppError('inode_limit', `Cannot go on: the sandbox holds more than ${spec.limits.inodes} files`)
    return bfree === 0
      ? new AppError('disk_limit', `Cannot go on: the sandbox holds more than ${spec.limits.diskBytes} bytes`)
      : null
  }

  async function endCommands(): Promise<void> {
    isEnding = true
    const ends = [...running].map(({ ended }) => ended.catch(() => {}))
    for (const process of running) {
      process.kill()
      // Its readers learn from `ended` that the output was cut.
      process.discard()
    }
    await Promise.all(ends)
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
    image: spec.image,
    upper: parts.upper,
    layers: parts.layers,
    warnings: group === null ? ['no limit on memory, processes and cpu: this host has no writable control groups'] : [],

    exec(command) {
      if (isEnding || !holder.isAlive()) throw new AppError('sandbox_lost', `Cannot run a command: sandbox ${id} ended`)
      return supervise(start(command), command)
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
      const ending = Promise.withResolvers<void>()
      destroyed = ending.promise
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
          ending.resolve()
        }
      }
    },
  }
}
