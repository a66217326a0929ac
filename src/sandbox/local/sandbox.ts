import { statfs } from 'node:fs/promises'
import { AppError } from '../../core/errors.ts'
import type { Command, Exit } from '../../core/exec.ts'
import { span } from '../../core/spans.ts'
import type { Sandbox, SandboxSpec, Upper } from '../contract.ts'
import { supervise, type BareProcess } from '../supervised.ts'
import { startProcess } from './bare-process.ts'
import type { CgroupOfSandbox, GroupMaker } from './cgroup.ts'
import type { CommandPlace } from './command-plan.ts'
import { du, limitHit, watchDisk } from './disk-watch.ts'
import type { Holder } from './holder.ts'
import type { Journal } from './journal.ts'
import { UPPER } from './mount-plan.ts'
import { endProcesses, MARK, removeGroups } from './reaper.ts'
import { removeTree } from './remove-tree.ts'
import type { StateDir } from './state-dir.ts'

export interface LocalSandbox extends Sandbox {
  readonly upper: Upper
  /** What it was made from, the newest first; still there when its image is dropped. */
  readonly layers: readonly string[]
  /** Bytes its disk upper takes, 0 for one in memory. */
  measure(): Promise<number>
  /** Ends everything in it, hands over the upper directory, then removes the rest. */
  end<T>(take: (upperDir: string) => Promise<T>): Promise<T>
}

interface Parts {
  readonly id: string
  readonly spec: SandboxSpec
  readonly upper: Upper
  readonly diskDir: string | null
  readonly holder: Holder
  /** `null` where the host has no control groups. */
  readonly group: GroupMaker | null
  readonly filterPath: string
  readonly leaksDescriptors: boolean
  readonly layers: readonly string[]
  readonly state: StateDir
  readonly journal: Journal
  readonly onEnd: () => Promise<void>
}

export function localSandbox(parts: Parts): LocalSandbox {
  const { id, spec, diskDir, holder, state } = parts
  const running = new Set<BareProcess>()
  // Made by the first command: a fork that only waits needs none.
  let cgroup: CgroupOfSandbox | null = null
  // Directories that a program closed to its own user are open to the holder, whose namespace gives it the right.
  const asHolder =
    state.becomes === null ? ['nsenter', '--preserve-credentials', '-U', '-t', String(holder.pid), '--'] : []
  let isEnding = false
  let commands = 0
  let destroyed: Promise<void> | null = null

  function place(): CommandPlace {
    cgroup ??= parts.group?.make() ?? null
    cgroup?.discountEnded(spec.limits.processes, commands)
    commands += 1
    return {
      stateDir: state.path,
      holderPid: holder.pid,
      network: spec.network,
      filterPath: parts.filterPath,
      leaksDescriptors: parts.leaksDescriptors,
      maxFileBytes: spec.limits.diskBytes,
      cgroupFiles: cgroup?.joinFiles ?? [],
      // On v2 only root may move a process into the group; on v1 the groups belong to the sandboxes' user.
      becomeUid: parts.group?.version === 2 ? (state.becomes?.uid ?? null) : null,
    }
  }

  function start(command: Command): BareProcess {
    const where = place()
    const bare = startProcess(where, command, where.becomeUid === null ? state.becomes : null, { [MARK]: id })
    let limit: AppError | null = null
    const stopWatching =
      diskDir === null
        ? () => {}
        : watchDisk(`${diskDir}/upper`, asHolder, spec.limits, (error) => {
            limit = error
            bare.kill()
          })
    const ended = bare.ended
      .then(async (exit) => {
        if (limit !== null) throw limit
        const isDestroyed = isEnding && exit.signal === 'SIGKILL'
        if (exit.code !== 0 && !isDestroyed) await explain(exit)
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
  async function explain(exit: Exit): Promise<void> {
    const hit = cgroup?.limitHit() ?? null
    const details = { exitCode: exit.code }
    if (hit === 'memory_limit')
      throw new AppError(hit, `Cannot go on: the sandbox used more than ${spec.limits.memoryBytes} bytes of memory`, {
        details,
      })
    if (hit === 'process_limit')
      throw new AppError(hit, `Cannot go on: the sandbox ran more than ${spec.limits.processes} processes`, { details })
    if (exit.signal === 'SIGXFSZ')
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

  async function endEverything(): Promise<void> {
    isEnding = true
    const ends = [...running].map(({ ended }) => ended.catch(() => {}))
    for (const process of running) {
      process.kill()
      // A reader that pauses would keep the end from being noticed; it learns from `ended` that the output was cut.
      for (const stream of [process.stdout, process.stderr]) stream.destroy()
    }
    await Promise.all(ends)
    holder.end()
    await holder.ended
  }

  async function removeRest(): Promise<void> {
    if (diskDir !== null) await removeTree(state, `run/${id}`)
    if (cgroup !== null && !(await removeGroups(cgroup))) {
      // Something slipped out of the bracket above; the mark finds it.
      await endProcesses(new Set([id]))
      await removeGroups(cgroup)
    }
    parts.journal.erase(id)
    await parts.onEnd()
  }

  return {
    id,
    image: spec.image,
    upper: parts.upper,
    layers: parts.layers,
    warnings:
      parts.group === null ? ['no limit on memory, processes and cpu: this host has no writable control groups'] : [],

    exec(command) {
      if (isEnding || !holder.isAlive()) throw new AppError('sandbox_lost', `Cannot run a command: sandbox ${id} ended`)
      return supervise(start(command), command)
    },

    destroy() {
      destroyed ??= span('destroy', { driver: 'local' }, async () => {
        await endEverything()
        await removeRest()
      })
      return destroyed
    },

    measure: async () => (diskDir === null ? 0 : du(`${diskDir}/upper`, '--block-size=1')),

    async end(take) {
      if (destroyed !== null || diskDir === null)
        throw new AppError('sandbox_lost', `Cannot freeze sandbox ${id}: it is gone`)
      const ending = Promise.withResolvers<void>()
      destroyed = ending.promise
      try {
        await endEverything()
        // What a command left behind is ended, but may not be gone yet; an image must not change any more.
        if (cgroup !== null) await removeGroups(cgroup)
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
