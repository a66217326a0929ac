import { createHash, randomBytes } from 'node:crypto'
import { link, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { identify, isAlive, type ProcessIdentity } from '../core/process-identity.ts'
import type { Directory, ImageRecord } from './directory.ts'
import { exclusively } from './process-lock.ts'

/**
 * A directory as files, shared by all processes on one state directory: `repos/<hash>/<image>.json` for what is
 * finished, `claims/<image>.json` for what is being built. Every file appears whole or not at all.
 */
export async function diskDirectory<Content>(path: string): Promise<Directory<Content>> {
  for (const folder of ['repos', 'claims', 'tmp']) await mkdir(`${path}/${folder}`, { recursive: true, mode: 0o700 })
  const salt = await lockSalt(path)
  const folderOf = (repo: string): string => `repos/${hash(repo)}`

  async function write(file: string, content: unknown): Promise<void> {
    const temporary = temporaryFile(path)
    try {
      await writeFile(temporary, JSON.stringify(content))
      await rename(temporary, `${path}/${file}`)
    } catch (error) {
      // On a full disk the half of it that was written would stay.
      await rm(temporary, { force: true })
      throw error
    }
  }

  async function recordsIn(folder: string): Promise<ImageRecord<Content>[]> {
    const names = (await list(`${path}/${folder}`)).filter((name) => name.endsWith('.json'))
    const records = await Promise.all(
      names.map(async (name) => {
        const record = await read<ImageRecord<Content>>(`${path}/${folder}/${name}`)
        return isRecord(record, name) ? record : null
      }),
    )
    return records.filter((record) => record !== null).toSorted((a, b) => b.createdAt - a.createdAt)
  }

  async function all(): Promise<ImageRecord<Content>[]> {
    const folders = await list(`${path}/repos`)
    return (await Promise.all(folders.map((folder) => recordsIn(`repos/${folder}`)))).flat()
  }

  return {
    find: (repo) => recordsIn(folderOf(repo)),
    all,
    claim: (imageId) => write(`claims/${imageId}.json`, identify(process.pid)),

    async record(record) {
      await mkdir(`${path}/${folderOf(record.repo)}`, { recursive: true, mode: 0o700 })
      await write(`${folderOf(record.repo)}/${record.id}.json`, record)
      await rm(`${path}/claims/${record.id}.json`, { force: true })
    },

    async forget(imageId) {
      for (const folder of await list(`${path}/repos`)) {
        const names = await list(`${path}/repos/${folder}`)
        if (names.includes(`${imageId}.json`)) await rm(`${path}/repos/${folder}/${imageId}.json`, { force: true })
      }
      await rm(`${path}/claims/${imageId}.json`, { force: true })
    },

    async abandoned() {
      for (const name of await list(`${path}/tmp`)) {
        if (identify(Number.parseInt(name, 10)) === null) await rm(`${path}/tmp/${name}`, { force: true })
      }
      const names = (await list(`${path}/claims`)).filter((name) => name.endsWith('.json'))
      const claims = await Promise.all(
        names.map(async (name) => ({
          id: name.slice(0, -'.json'.length),
          builder: await read<ProcessIdentity>(`${path}/claims/${name}`),
        })),
      )
      return claims.filter(({ builder }) => builder !== null && !isAlive(builder)).map(({ id }) => id)
    },

    exclusively: (key, fn, options) => exclusively(`forkyard-${hash(`${salt} ${key}`)}`, fn, options),
  }
}

/** Makes lock names that only who can read the directory can know. */
async function lockSalt(path: string): Promise<string> {
  const file = `${path}/lock-salt`
  const known = await readText(file)
  if (known !== null) return known
  const temporary = temporaryFile(path)
  await writeFile(temporary, randomBytes(16).toString('hex'), { mode: 0o600 })
  try {
    await link(temporary, file)
  } catch (error) {
    // Another process was first.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  await rm(temporary)
  return await readFile(file, 'utf8')
}

/** A name that tells whose it is, so that what a dead process left can be removed. */
function temporaryFile(path: string): string {
  return `${path}/tmp/${process.pid}.${randomBytes(8).toString('hex')}`
}

/** Files that are not ours, or of another make, are passed over. */
function isRecord(record: ImageRecord<unknown> | null, name: string): boolean {
  return (
    record !== null &&
    `${record.id}.json` === name &&
    typeof record.repo === 'string' &&
    typeof record.createdAt === 'number' &&
    typeof record.content === 'object' &&
    record.content !== null
  )
}

async function list(path: string): Promise<string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}

/** `null` where the file went away meanwhile or is not ours. */
async function read<T>(path: string): Promise<T | null> {
  const text = await readText(path)
  try {
    return text === null ? null : (JSON.parse(text) as T)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null
    throw error
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}
