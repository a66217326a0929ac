import type { Directory } from './directory.ts'
import { hash, jsonFiles } from './json-files.ts'
import type { Usage, UsageRecord } from './usage.ts'

interface Putting<Entry> {
  /** Keeps two who add to one repository from losing what one of them counted. */
  readonly directory: Pick<Directory<unknown>, 'exclusively'>
  /** Both together. */
  readonly merge: (one: Entry, other: Entry) => Entry
  /** Whether a file holds what this version writes. */
  readonly isEntry: (value: unknown) => value is Entry
}

/** Descriptors that reading may take from others. */
const FILES_AT_ONCE = 32

/** How long somebody who was stopped may keep others from counting. */
const LOCK_MS = 10_000

/** Usage as files, one for each repository, that all processes on one state directory share. */
export async function diskUsage<Entry>(
  path: string,
  { directory, merge, isEntry }: Putting<Entry>,
): Promise<Usage<Entry>> {
  const files = await jsonFiles(path)
  await files.makeFolder('repos')
  await files.sweep()
  const fileOf = (repo: string): string => `repos/${hash(repo)}.json`

  async function read(file: string): Promise<UsageRecord<Entry> | null> {
    const record = await files.read<Partial<UsageRecord<unknown>>>(file)
    const { repo, entry } = record ?? {}
    return typeof repo === 'string' && file === fileOf(repo) && isEntry(entry) ? { repo, entry } : null
  }

  return {
    async *all() {
      const names = await files.listJson('repos')
      for (let at = 0; at < names.length; at += FILES_AT_ONCE) {
        const some = names.slice(at, at + FILES_AT_ONCE)
        const records = await Promise.all(some.map((name) => read(`repos/${name}`)))
        yield* records.filter((record) => record !== null)
      }
    },

    add(repo, entry) {
      const put = async (): Promise<Entry> => {
        const known = await read(fileOf(repo))
        const both = known === null ? entry : merge(known.entry, entry)
        await files.write(fileOf(repo), { repo, entry: both })
        return both
      }
      return directory.exclusively(`usage ${repo}`, put, { signal: AbortSignal.timeout(LOCK_MS) })
    },

    forget: (repo) => files.remove(fileOf(repo)),
  }
}
