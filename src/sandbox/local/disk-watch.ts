import { statfs } from 'node:fs/promises'
import { AppError } from '../../core/errors.ts'
import type { SandboxLimits } from '../contract.ts'
import type { HostTool } from './host-command.ts'

/** The shortest pause between two looks, and how many times the length of a look passes before the next. */
const MIN_PAUSE_MS = 500
const PAUSE_FACTOR = 8

/** Bytes of the file system that sandboxes never take. */
export const RESERVED_BYTES = 512 * 1024 * 1024

/**
 * Watches a disk upper while commands run in it, because a directory has no quota of its own; calls `onLimit` once
 * when it grew too large or the file system is nearly full. Returns the function that stops it.
 */
export function watchDisk(
  directory: string,
  tool: HostTool,
  limits: Pick<SandboxLimits, 'diskBytes' | 'inodes'>,
  onLimit: (error: AppError) => void,
): () => void {
  let isStopped = false
  let timer = setTimeout(() => void look(), MIN_PAUSE_MS)
  timer.unref()

  async function look(): Promise<void> {
    const startedAt = performance.now()
    const hit = await limitHit(directory, tool, limits).catch(
      // Unwatched, a sandbox could fill the disk: what cannot be looked at is ended.
      (cause: unknown) =>
        new AppError('sandbox_lost', 'Cannot go on: the disk of the sandbox cannot be watched', { cause }),
    )
    if (isStopped) return
    if (hit !== null) return onLimit(hit)
    timer = setTimeout(() => void look(), Math.max(MIN_PAUSE_MS, PAUSE_FACTOR * (performance.now() - startedAt)))
    timer.unref()
  }

  return () => {
    isStopped = true
    clearTimeout(timer)
  }
}

/** What a disk upper has too much of, or `null`; `tool` looks with enough rights. */
export async function limitHit(
  directory: string,
  tool: HostTool,
  { diskBytes, inodes }: Pick<SandboxLimits, 'diskBytes' | 'inodes'>,
): Promise<AppError | null> {
  const { bavail, bsize } = await statfs(directory)
  if (bavail * bsize < RESERVED_BYTES)
    return new AppError('disk_limit', 'Cannot go on: the file system of the state directory is full')
  const used = await usage(directory, tool)
  if (used.bytes > diskBytes)
    return new AppError('disk_limit', `Cannot go on: the sandbox takes more than ${diskBytes} bytes of disk`)
  if (used.inodes > inodes)
    return new AppError('inode_limit', `Cannot go on: the sandbox holds more than ${inodes} files`)
  return null
}

async function usage(directory: string, tool: HostTool): Promise<{ bytes: number; inodes: number }> {
  const [bytes, inodes] = await Promise.all([du(directory, '--block-size=1', tool), du(directory, '--inodes', tool)])
  return { bytes, inodes }
}

/** Bytes or files below a directory; du follows no links. */
export async function du(directory: string, unit: '--block-size=1' | '--inodes', tool: HostTool): Promise<number> {
  const { stdout } = await tool(['du', '-s', unit, directory])
  return Number.parseInt(stdout, 10) || 0
}
