import { readTree, treeFlags } from '../git/tree-records.ts'
import type { Git } from '../git/run-git.ts'
import type { Filter, Step } from './steps.ts'

type Backfill = Extract<Step, { kind: 'backfill' }>

/** Ids to ask a remote for, and what to leave out of what they lead to. */
export interface Wanted {
  readonly oids: readonly string[]
  readonly filter: Filter
}

const [newline, questionMark] = [0x0a, 0x3f]

interface Scope {
  readonly commits: readonly string[]
  readonly listBlobs: (git: Git, options: { signal: AbortSignal }) => Promise<readonly string[]>
}

/** What a backfill has to bring: listed with what is there alone, so that one batch brings it all. */
export async function listWanted(
  git: Git,
  step: Backfill,
  { commits, listBlobs }: Scope,
  { signal }: { signal: AbortSignal },
): Promise<Wanted> {
  if (step.extent === 'paths') return exact(await missingOf(git, await listBlobs(git, { signal }), signal))
  if (step.extent === 'cone')
    return exact(await missingOf(git, await coneBlobs(git, commits, step.cone, signal), signal))
  const walk = step.extent === 'tip' ? ['--no-walk'] : []
  // A missing tree is listed in place of all below it, and brings all below it.
  if (step.what === 'blobs') return { oids: await missingBelow(git, walk, commits, signal), filter: 'none' }
  const oids = await missingBelow(git, [...walk, '--filter=blob:none'], commits, signal)
  return { oids, filter: 'blob:none' }
}

/** Which of these contents are not there. Asking `cat-file` would do, but it dies of what was left out on purpose. */
export async function missingOf(git: Git, oids: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
  if (oids.length === 0) return []
  const stdin = [...new Set(oids)].map((oid) => `${oid}\n`).join('')
  const flags = ['--objects', '--no-object-names', '--no-walk', '--missing=print', '--ignore-missing', '--stdin']
  const { text } = await git('rev-list', { flags, stdin, signal })
  const present = new Set(text.split('\n'))
  return [...new Set(oids)].filter((oid) => !present.has(oid))
}

/** Single contents are asked for by id; the filter keeps the server from adding what they lead to. */
function exact(oids: readonly string[]): Wanted {
  return { oids, filter: 'blob:none' }
}

async function missingBelow(
  git: Git,
  walk: readonly string[],
  commits: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const flags = [...walk, '--objects', '--no-object-names', '--missing=print']
  // All that is there is listed as well, which may be far more than what is kept.
  return git.read('rev-list', { flags, revisions: commits, signal }, async (reader) => {
    const missing: string[] = []
    for (let line = await reader.until(newline); line !== null; line = await reader.until(newline))
      if (line[0] === questionMark) missing.push(line.subarray(1).toString('latin1'))
    return missing
  })
}

/** Contents of the files a cone shows: all below its directories, and those directly in their parents. */
async function coneBlobs(
  git: Git,
  commits: readonly string[],
  cone: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const [commit = ''] = commits
  return git.read(
    'ls-tree',
    { flags: [...treeFlags, '-r'], revisions: [commit], commitsOnly: true, signal },
    async (reader) => {
      const oids: string[] = []
      for await (const { type, path, oid } of readTree(reader))
        if (type === 'blob' && isShown(path, cone)) oids.push(oid)
      return oids
    },
  )
}

function isShown(path: Buffer, cone: readonly string[]): boolean {
  const name = path.toString('utf8')
  const directory = name.slice(0, Math.max(0, name.lastIndexOf('/')))
  const isIn = (one: string): boolean =>
    one === directory || one.startsWith(`${directory}/`) || directory.startsWith(`${one}/`)
  return directory === '' || cone.some(isIn)
}
