import { z } from 'zod'
import { AppError } from '../core/errors.ts'
import { exactText, toExactText } from './bytes.ts'
import { oid } from './fields.ts'
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

// As many of the longest as the arguments of one process hold.
const pathsPerRun = 400

export type Conflict = z.output<typeof conflict>

/** The paths of the index that are not merged, sorted as git has them; empty where all is well. */
export async function readConflicts(git: Git, { signal }: { signal: AbortSignal }): Promise<readonly Conflict[]> {
  const stages = await git.read('ls-files', { flags: ['--unmerged', '-z'], signal }, async (reader) => {
    const found = new Map<string, { path: Buffer; stages: Conflict['stages'] }>()
    for (let line = await reader.until(0); line !== null; line = await reader.until(0)) {
      const tab = line.indexOf(0x09)
      const [mode = '', id = '', number = ''] = line.subarray(0, tab).toString('latin1').split(' ')
      const path = line.subarray(tab + 1)
      const key = path.toString('latin1')
      const known = found.get(key) ?? { path: Buffer.from(path), stages: { base: null, ours: null, theirs: null } }
      const side = ({ '1': 'base', '2': 'ours', '3': 'theirs' } as const)[number]
      if (side !== undefined) known.stages[side] = { mode, oid: id }
      found.set(key, known)
    }
    return [...found.values()]
  })
  if (stages.length === 0) return []
  const marked = await withMarkers(
    git,
    stages.map(({ path }) => path),
    signal,
  )
  return stages.map(({ path, stages: sides }) => ({
    path: toExactText(path),
    stages: sides,
    markers: marked.has(path.toString('latin1')),
  }))
}

/** Throws `conflicts_unresolved` where paths of the index are not merged; `action` is what cannot be done then. */
export async function refuseConflicts(git: Git, action: string, { signal }: { signal: AbortSignal }): Promise<void> {
  const conflicts = await readConflicts(git, { signal })
  if (conflicts.length === 0) return
  const paths = conflicts.slice(0, 100).map(({ path }) => path)
  throw new AppError('conflicts_unresolved', `Cannot ${action}: there are conflicts`, { details: { paths } })
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
