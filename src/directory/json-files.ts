import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { identify } from '../core/process-identity.ts'

/** JSON in files below one folder; each appears whole or not at all, whoever else writes there. */
export interface JsonFiles {
  write(file: string, content: unknown): Promise<void>
  /** `null` where there is none, or it is not ours. */
  read<T>(file: string): Promise<T | null>
  /** Names in a folder; none where there is no such folder. */
  list(folder: string): Promise<readonly string[]>
  /** Names of JSON files in a folder. */
  listJson(folder: string): Promise<readonly string[]>
  remove(file: string): Promise<void>
  makeFolder(folder: string): Promise<void>
  /** A name that tells whose it is, so that what a dead process left can be removed. */
  temporary(): string
  /** Removes what dead processes had begun to write. */
  sweep(): Promise<void>
}

export async function jsonFiles(path: string): Promise<JsonFiles> {
  const makeFolder = async (folder: string): Promise<void> =>
    void (await mkdir(`${path}/${folder}`, { recursive: true, mode: 0o700 }))
  await makeFolder('tmp')
  const temporary = (): string => `${path}/tmp/${process.pid}.${randomBytes(8).toString('hex')}`
  const names = (folder: string): Promise<readonly string[]> => list(`${path}/${folder}`)

  return {
    async write(file, content) {
      const half = temporary()
      try {
        await writeFile(half, JSON.stringify(content))
        await rename(half, `${path}/${file}`)
      } catch (error) {
        // On a full disk the half of it that was written would stay.
        await rm(half, { force: true })
        throw error
      }
    },
    read: (file) => read(`${path}/${file}`),
    list: names,
    listJson: async (folder) => (await names(folder)).filter((name) => name.endsWith('.json')),
    remove: (file) => rm(`${path}/${file}`, { force: true }),
    makeFolder,
    temporary,
    async sweep() {
      for (const name of await names('tmp'))
        if (identify(Number.parseInt(name, 10)) === null) await rm(`${path}/tmp/${name}`, { force: true })
    },
  }
}

/** A name for a file that stands for any text. */
export function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

async function list(path: string): Promise<string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}

async function read<T>(path: string): Promise<T | null> {
  const text = await readText(path)
  try {
    return text === null ? null : (JSON.parse(text) as T)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** `null` where the file went away meanwhile or is none. */
export async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null
    throw error
  }
}
