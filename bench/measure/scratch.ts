import { existsSync, statfsSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const sharedMemory = '/dev/shm'
const roomBytes = 6e9

/** Gives the work a new directory, in memory where there is room so that no disk decides, and removes it afterwards. */
export async function withScratch<Result>(work: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = await mkdtemp(join(scratchRoot(), 'forkyard-bench-'))
  // Sandboxes run as a user of their own, who must be able to pass through.
  await chmod(directory, 0o755)
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Disk that a directory takes. */
export async function diskBytes(directory: string): Promise<number> {
  const { stdout } = await promisify(execFile)('du', ['-s', '--block-size=1', directory])
  return Number.parseInt(stdout, 10)
}

/** The same of one whose files come and go meanwhile, which du complains of. */
export async function bytesAsTheyChange(directory: string): Promise<number> {
  const said = await promisify(execFile)('du', ['-s', '--block-size=1', directory]).catch(
    (error: { stdout: string }) => error,
  )
  return Number.parseInt(said.stdout, 10)
}

function scratchRoot(): string {
  if (!existsSync(sharedMemory)) return tmpdir()
  const { bavail, bsize } = statfsSync(sharedMemory)
  return bavail * bsize >= roomBytes ? sharedMemory : tmpdir()
}
