import { statfs } from 'node:fs/promises'
import { AppError } from '../../core/errors.ts'
import type { SandboxLimits } from '../contract.ts'
import { dueCounts, type Amounts, type Counted, type Unit } from './due-counts.ts'
import type { HostTool } from './host-command.ts'

/** How long commands run between two looks, in one piece or in many. */
const PAUSE_MS = 500

/** Bytes of the file system that sandboxes never take. */
export const RESERVED_BYTES = 512 * 1024 * 1024

/** Knows whether a disk upper has grown too large, because a directory has no quota of its own. */
export interface DiskWatch {
  /**
   * Looks again and again while a command runs; calls `onLimit` once when there is too much in the upper or the file
   * system is nearly full. Returns the function that ends the watch for this command.
   */
  begin(onLimit: (error: AppError) => void): () => void
  /** What there is too much of, or `null`. */
  hit(): Promise<AppError | null>
}

/** Watches the upper in `directory`; `tool` looks with enough rights. */
export function diskWatch(
  directory: string,
  tool: HostTool,
  limits: Pick<SandboxLimits, 'diskBytes' | 'inodes'>,
): DiskWatch {
  const most: Amounts = { bytes: limits.diskBytes, inodes: limits.inodes }
  const counted: { [Name in Unit]?: Counted } = {}
  const told = new Set<(error: AppError) => void>()
  let timer: NodeJS.Timeout | null = null
  let isLooking = false
  /** What is left of the pause, and since when it has been running down. */
  let [leftMs, since] = [PAUSE_MS, 0]

  async function hit(): Promise<AppError | null> {
    const { bavail, bsize, ffree, files } = await statfs(directory)
    if (bavail * bsize < RESERVED_BYTES)
      return new AppError('disk_limit', 'Cannot go on: the file system of the state directory is full')
    // Some file systems count no inodes.
    const free: Amounts = { bytes: bavail * bsize, inodes: files === 0 ? null : ffree }
    const due = dueCounts(counted, { free, most, now: performance.now() })
    await Promise.all(
      due.map(async (unit) => {
        const startedAt = performance.now()
        const used = await du(directory, unit, tool)
        // Who could not look, as in a sandbox that just ended, has learned nothing.
        if (used === null) return
        counted[unit] = { used, free: free[unit], at: performance.now(), tookMs: performance.now() - startedAt }
      }),
    )
    return excess()
  }

  function excess(): AppError | null {
    const isOver = (unit: Unit): boolean => (counted[unit]?.used ?? 0) > (most[unit] ?? Infinity)
    if (isOver('bytes'))
      return new AppError('disk_limit', `Cannot go on: the sandbox takes more than ${limits.diskBytes} bytes of disk`)
    if (isOver('inodes'))
      return new AppError('inode_limit', `Cannot go on: the sandbox holds more than ${limits.inodes} files`)
    return null
  }

  async function look(): Promise<void> {
    timer = null
    isLooking = true
    // Unwatched, a sandbox could fill the disk: what cannot be looked at is ended.
    const error = await hit().then(
      (found) => found ?? (counted.bytes === undefined || counted.inodes === undefined ? unwatched(null) : null),
      unwatched,
    )
    isLooking = false
    leftMs = PAUSE_MS
    if (error !== null) for (const tell of told) tell(error)
    goOn()
  }

  function goOn(): void {
    if (timer !== null || isLooking || told.size === 0) return
    since = performance.now()
    timer = setTimeout(() => void look(), leftMs).unref()
  }

  return {
    begin(onLimit) {
      const tell = (error: AppError): void => {
        told.delete(tell)
        onLimit(error)
      }
      told.add(tell)
      goOn()
      return () => {
        told.delete(tell)
        if (told.size > 0 || timer === null) return
        clearTimeout(timer)
        timer = null
        leftMs = Math.max(0, leftMs - (performance.now() - since))
      }
    },
    hit,
  }
}

function unwatched(cause: unknown): AppError {
  return new AppError('sandbox_lost', 'Cannot go on: the disk of the sandbox cannot be watched', { cause })
}

const flagOf: Readonly<Record<Unit, string>> = { bytes: '--block-size=1', inodes: '--inodes' }

/** Bytes or files below a directory, `null` where they cannot be counted; du follows no links. */
export async function du(directory: string, unit: Unit, tool: HostTool): Promise<number | null> {
  const { stdout } = await tool(['du', '-s', flagOf[unit], directory])
  const count = Number.parseInt(stdout, 10)
  return Number.isNaN(count) ? null : count
}
