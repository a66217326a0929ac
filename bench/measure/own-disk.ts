import { mkdir, statfs } from 'node:fs/promises'
import { timeProcess } from './process.ts'

/** Whether this process may make file systems. */
export const canHaveOwnDisk: boolean = process.getuid?.() === 0

/** Lends a file system in memory that is mounted at a new directory; `takenBytes` of its `bytes` are somebody else's. */
export async function withOwnDisk<Result>(
  path: string,
  { bytes, takenBytes }: { readonly bytes: number; readonly takenBytes: number },
  work: () => Promise<Result>,
): Promise<Result> {
  await mkdir(path)
  await timeProcess(['mount', '-t', 'tmpfs', '-o', `size=${bytes},mode=755`, 'tmpfs', path])
  try {
    await timeProcess(['fallocate', '-l', String(takenBytes), `${path}/taken`])
    return await work()
  } finally {
    await timeProcess(['umount', path])
  }
}

/** The part of a directory's file system that is free. */
export async function freeShareOf(directory: string): Promise<number> {
  const { bavail, blocks } = await statfs(directory)
  return bavail / blocks
}
