import { statfs } from 'node:fs/promises'
import { AppError } from '../../core/errors.ts'
import type { SandboxLimits } from '../contract.ts'
import { diskWatch } from './disk-watch.ts'
import type { Holder } from './holder.ts'
import { visitorOf } from './host-command.ts'
import { UPPER } from './mount-plan.ts'

/** Knows which limit of a sandbox ended what ran in it. */
export interface LimitWatch {
  /** Calls `onLimit` when a limit is reached that does not strike by itself. Returns the function that ends the watch. */
  begin(onLimit: (error: AppError) => void): () => void
  /** The limit that made a process fail, if one did. */
  reached(exitCode: number, signal: string | null): Promise<AppError | null>
}

interface Watched {
  readonly stateDir: string
  /** Where a disk upper lies; `null` for a memory upper. */
  readonly diskDir: string | null
  readonly holder: Holder
  readonly limits: SandboxLimits
}

/** The limits of one sandbox. */
export function limitWatch({ stateDir, diskDir, holder, limits }: Watched): LimitWatch {
  // Directories that a program closed to its own user are open to the holder, whose namespace gives it the right; and a
  // count is not to fail where programs left no room for another process.
  const counter = visitorOf((argv) => holder.visit(argv))
  const disk = diskDir === null ? null : diskWatch(`${diskDir}/upper`, counter, limits)

  /** The path is the holder's own mount, reached through its process: nothing in it comes from the sandbox. */
  async function memoryUpperHit(): Promise<AppError | null> {
    if (!holder.isAlive()) return null
    const { bfree, ffree } = await statfs(`/proc/${holder.pid}/root${stateDir}/${UPPER}`)
    if (ffree === 0)
      return new AppError('inode_limit', `Cannot go on: the sandbox holds more than ${limits.inodes} files`)
    return bfree === 0
      ? new AppError('disk_limit', `Cannot go on: the sandbox holds more than ${limits.diskBytes} bytes`)
      : null
  }

  return {
    begin: (onLimit) => disk?.begin(onLimit) ?? (() => {}),

    async reached(exitCode, signal) {
      const hit = holder.group?.limitHit() ?? null
      const details = { exitCode }
      const found = (code: 'memory_limit' | 'process_limit' | 'disk_limit', fact: string): AppError =>
        new AppError(code, `Cannot go on: ${fact}`, { details })
      if (hit === 'process_limit') return found(hit, `the sandbox ran more than ${limits.processes} processes`)
      if (signal === 'SIGXFSZ') return found('disk_limit', `a file grew beyond ${limits.diskBytes} bytes`)
      const tooMuchMemory =
        hit === 'memory_limit' ? found(hit, `the sandbox used more than ${limits.memoryBytes} bytes of memory`) : null
      if (disk === null && tooMuchMemory !== null) return tooMuchMemory
      // What is written counts as memory until it is on the disk: where that is too full, it is the reason.
      const full = await (disk === null ? memoryUpperHit() : disk.hit())
      return full === null ? tooMuchMemory : new AppError(full.code, full.message, { details })
    },
  }
}
