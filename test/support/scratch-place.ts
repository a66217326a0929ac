import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

const gibibyte = 1024 ** 3

/** Where tests keep what they make: memory where there is enough of it, for most are not about disks. */
export const scratchPlace: string = memoryDir()

function memoryDir(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    return bavail * bsize > 4 * gibibyte ? '/dev/shm' : tmpdir()
  } catch {
    // No such file system here.
    return tmpdir()
  }
}
