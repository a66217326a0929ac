import { randomBytes } from 'node:crypto'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { identify, isAlive, type ProcessIdentity } from '../core/process-identity.ts'
import type { Directory, ImageRecord } from './directory.ts'
import { hash, jsonFiles, readText, type JsonFiles } from './json-files.ts'
import { exclusively } from './process-lock.ts'

/**
 * A directory as files, shared by all processes on one state directory: `repos/<hash>/<image>.json` for what is
 * finished, `claims/<image>.json` for what is being built, `instances/<random>.json` for who serves. Every file appears
 * whole or not at all.
 */
export async function diskDirectory<Content>(path: string): Promise<Directory<Content>> {
  const files = await jsonFiles(path)
  for (const folder of ['repos', 'claims', 'instances']) await files.makeFolder(folder)
  const salt = await lockSalt(path, files)
  const folderOf = (repo: string): string => `repos/${hash(repo)}`

  async function recordsIn(folder: string): Promise<ImageRecord<Content>[]> {
    const records = await Promise.all(
      (await files.listJson(folder)).map(async (name) => {
        const record = await files.read<ImageRecord<Content>>(`${folder}/${name}`)
        return isRecord(record, name) ? record : null
      }),
    )
    return records.filter((record) => record !== null).toSorted((a, b) => b.createdAt - a.createdAt)
  }

  async function all(): Promise<ImageRecord<Content>[]> {
    const folders = await files.list('repos')
    return (await Promise.all(folders.map((folder) => recordsIn(`repos/${folder}`)))).flat()
  }

  return {
    find: (repo) => recordsIn(folderOf(repo)),
    all,
    claim: (imageId) => files.write(`claims/${imageId}.json`, identify(process.pid)),

    async record(record) {
      await files.makeFolder(folderOf(record.repo))
      await files.write(`${folderOf(record.repo)}/${record.id}.json`, record)
      await files.remove(`claims/${record.id}.json`)
    },

    async forget(imageId) {
      for (const folder of await files.list('repos')) {
        const names = await files.list(`repos/${folder}`)
        if (names.includes(`${imageId}.json`)) await files.remove(`repos/${folder}/${imageId}.json`)
      }
      await files.remove(`claims/${imageId}.json`)
    },

    async abandoned() {
      await files.sweep()
      const claims = await Promise.all(
        (await files.listJson('claims')).map(async (name) => ({
          id: name.slice(0, -'.json'.length),
          builder: await files.read<ProcessIdentity>(`claims/${name}`),
        })),
      )
      return claims.filter(({ builder }) => builder !== null && !isAlive(builder)).map(({ id }) => id)
    },

    async join() {
      const file = `instances/${randomBytes(8).toString('hex')}.json`
      await files.write(file, identify(process.pid))
      return () => files.remove(file)
    },

    async instances() {
      let living = 0
      for (const name of await files.listJson('instances')) {
        const who = await files.read<ProcessIdentity>(`instances/${name}`)
        if (who !== null && isAlive(who)) living += 1
        else await files.remove(`instances/${name}`)
      }
      return living
    },

    exclusively: (key, fn, options) => exclusively(`forkyard-${hash(`${salt} ${key}`)}`, fn, options),
  }
}

/** Makes lock names that only who can read the directory can know. */
async function lockSalt(path: string, files: JsonFiles): Promise<string> {
  const file = `${path}/lock-salt`
  const known = await readText(file)
  if (known !== null) return known
  const temporary = files.temporary()
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
