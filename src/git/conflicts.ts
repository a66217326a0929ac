import { z } from 'zod'
import { AppError } from '../core/errors.ts'
import { exactText, toExactText } from './bytes.ts'
import { oid } from './fields.ts'
import { maxPathBytes } from './path.ts'
import type { Git } from './run-git.ts'

const stage = z.strictObject({ mode: z.string(), oid }).nullable()

/** A path that a merge left to people: what the ancestor, this side and the other side have there. */
export const conflict = z.strictObject({
  path: exactText,
  stages: z
    .strictObject({ base: stage, ours: stage, theirs: stage })
    .meta({ description: 'null where that side has no such file.' }),
  markers: z.boolean().meta({ description: 'Whether the file holds both sides between conflict markers.' }),
})

/** The conflicts of an answer. */
export const conflictFields = {
  conflicts: z.array(conflict),
  truncated: z.boolean().meta({ description: 'Whether there are more conflicts than are listed.' }),
}

export type Conflict = z.output<typeof conflict>

export interface Conflicts {
  readonly conflicts: Conflict[]
  readonly truncated: boolean
}

export const noConflicts: Conflicts = { conflicts: [], truncated: false }

// As many of the longest as the arguments of one process hold.
const pathsPerRun = 400
/** Most conflicts of an answer: what has stopped at more than that must still tell. */
export const maxConflicts = 1000
const maxConflictBytes = 4 * 1024 * 1024

interface Unmerged {
  readonly path: Buffer
  readonly stages: Conflict['stages']
}

interface ConflictQuery {
  /** Which paths count, as bytes in single characters; all of them by default. */
  readonly isMeant?: (path: string) => boolean
  readonly signal: AbortSignal
}

/** The paths of the index that are not merged, sorted as git has them; empty where all is well. */
export async function readConflicts(git: Git, { isMeant = () => true, signal }: ConflictQuery): Promise<Conflicts> {
  const { unmerged, truncated } = await readUnmerged(git, { max: maxConflicts, isMeant, signal })
  if (unmerged.length === 0) return noConflicts
  // A file of a longer name cannot be there, nor be an argument.
  const files = unmerged.map(({ path }) => path).filter(({ length }) => length <= maxPathBytes)
  const marked = await withMarkers(git, files, signal)
  const conflicts = unmerged.map(({ path, stages }) => ({
    path: toExactText(path),
    stages,
    markers: marked.has(path.toString('latin1')),
  }))
  return { conflicts, truncated }
}

/** Throws `conflicts_unresolved` where paths of the index are not merged; `action` is what cannot be done then. */
export async function refuseConflicts(git: Git, action: string, { signal }: { signal: AbortSignal }): Promise<void> {
  const { unmerged } = await readUnmerged(git, { max: 100, isMeant: () => true, signal })
  if (unmerged.length === 0) return
  const paths = unmerged.map(({ path }) => toExactText(path))
  throw new AppError('conflicts_unresolved', `Cannot ${action}: there are conflicts`, { details: { paths } })
}

/** The first unmerged paths; git is ended where there are more of them. */
async function readUnmerged(
  git: Git,
  { max, isMeant, signal }: Required<ConflictQuery> & { max: number },
): Promise<{ readonly unmerged: readonly Unmerged[]; readonly truncated: boolean }> {
  return git.read('ls-files', { flags: ['--unmerged', '-z'], signal }, async (reader) => {
    const found = new Map<string, Unmerged>()
    let bytes = 0
    for (let line = await reader.until(0); line !== null; line = await reader.until(0)) {
      const tab = line.indexOf(0x09)
      const [mode = '', id = '', number = ''] = line.subarray(0, tab).toString('latin1').split(' ')
      const path = line.subarray(tab + 1)
      const key = path.toString('latin1')
      if (!isMeant(key)) continue
      const known = found.get(key) ?? { path: Buffer.from(path), stages: { base: null, ours: null, theirs: null } }
      if (!found.has(key)) bytes += path.length
      if (!found.has(key) && (found.size === max || bytes > maxConflictBytes))
        return { unmerged: [...found.values()], truncated: true }
      const side = ({ '1': 'base', '2': 'ours', '3': 'theirs' } as const)[number]
      if (side !== undefined) known.stages[side] = { mode, oid: id }
      found.set(key, known)
    }
    return { unmerged: [...found.values()], truncated: false }
  })
}

/** Which of these files hold a line that opens a conflict. */
async function withMarkers(git: Git, paths: readonly Buffer[], signal: AbortSignal): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for (let at = 0; at < paths.length; at += pathsPerRun) {
    const request = {
      flags: ['-z', '--files-with-matches', '-I', '--no-recurse-submodules', '-e^<<<<<<< '],
      paths: paths.slice(at, at + pathsPerRun).map(toExactText),
      okExitCodes: [0, 1],
      signal,
    }
    await git.read('grep', request, async (reader) => {
      for (let path = await reader.until(0); path !== null; path = await reader.until(0))
        found.add(path.toString('latin1'))
    })
  }
  return found
}
