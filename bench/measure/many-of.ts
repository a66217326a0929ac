import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { runGit } from './process.ts'

interface Copies {
  readonly name: string
  readonly count: number
}

/** Makes the same repository again under many names, where it is not there yet; gives their directories' names. */
export async function manyOf(gitDir: string, directory: string, { name, count }: Copies): Promise<readonly string[]> {
  const names = Array.from({ length: count }, (_, at) => `${name}-${at}.git`)
  for (const one of names) {
    const path = join(directory, one)
    if (!existsSync(path)) await runGit(['clone', '--quiet', '--mirror', gitDir, path])
  }
  return names
}
