import { AppError, hasCode } from '../core/errors.ts'
import { toExactText, type ExactText } from './bytes.ts'
import { pathTree, type PathTree } from './path-tree.ts'
import type { Git } from './run-git.ts'
import { readStatus } from './status-records.ts'
import { pathKey, readSteps, type Step } from './steps.ts'

interface Obstruction {
  /** Local changes of what these steps touch are in the way. */
  readonly steps: readonly Step[]
  /** Local changes that are in the way wherever they are. */
  readonly anywhere: 'none' | 'staged' | 'tracked'
  readonly signal: AbortSignal
}

interface LocalChange {
  readonly path: Buffer
  readonly isStaged: boolean
  readonly isUnstaged: boolean
  readonly isTracked: boolean
}

const maxPaths = 100

/** Adds to git's `worktree_dirty` the paths it speaks of, found from the state itself; any other error stays as it is. */
export async function withLocalChanges(git: Git, error: unknown, obstruction: Obstruction): Promise<unknown> {
  if (!hasCode(error, 'worktree_dirty')) return error
  const { steps, anywhere, signal } = obstruction
  const touched = await touchedBy(git, steps, signal)
  // Where that are too many to keep, git's word has to do: what stopped must still be told, and be cleaned up after.
  if (touched === null) return error
  const [all, inTheWay] = [someOf(), someOf()]
  await eachLocalChange(git, { untracked: 'all', signal }, ({ path, isStaged, isTracked }) => {
    all.add(path)
    const key = pathKey({ path })
    const isInTheWay =
      (anywhere === 'staged' && isStaged) ||
      (anywhere === 'tracked' && isTracked) ||
      // A file may stand where a directory has to be, and the other way round.
      touched.covers(key) ||
      touched.leadsTo(key)
    if (isInTheWay) inTheWay.add(path)
  })
  // A rename may lead to where no step has anything; then every change is a suspect.
  const { paths, count } = (inTheWay.value().count > 0 ? inTheWay : all).value()
  return new AppError(error.code, error.message, { details: { ...error.details, paths, count }, cause: error })
}

/** Throws `worktree_dirty` where files that git knows differ from the index, or where asked the index from HEAD. */
export async function refuseLocalChanges(
  git: Git,
  { action, staged, signal }: { action: string; staged: boolean; signal: AbortSignal },
): Promise<void> {
  const inTheWay = someOf()
  await eachLocalChange(git, { untracked: 'no', signal }, ({ path, isStaged, isUnstaged }) => {
    if (isUnstaged || (staged && isStaged)) inTheWay.add(path)
  })
  const { paths, count } = inTheWay.value()
  if (count === 0) return
  throw new AppError('worktree_dirty', `Cannot ${action}: there are local changes`, { details: { paths, count } })
}

/** The first paths of what may be very many, and how many they are. */
function someOf() {
  const paths: ExactText[] = []
  let count = 0
  return {
    add(path: Buffer): void {
      if (count++ < maxPaths) paths.push(toExactText(path))
    },
    value: (): { readonly paths: readonly ExactText[]; readonly count: number } => ({ paths, count }),
  }
}

/** The files that these steps touch; `null` where they are too many. */
async function touchedBy(git: Git, steps: readonly Step[], signal: AbortSignal): Promise<PathTree | null> {
  try {
    const tree = pathTree()
    for (const change of await readSteps(git, steps, { signal })) tree.add(pathKey(change))
    return tree
  } catch (error) {
    if (hasCode(error, 'output_limit')) return null
    throw error
  }
}

async function eachLocalChange(
  git: Git,
  { untracked, signal }: { untracked: 'no' | 'all'; signal: AbortSignal },
  use: (change: LocalChange) => void,
): Promise<void> {
  const flags = [
    ...['--porcelain=v2', '-z', '--no-renames', '--no-ahead-behind', '--ignored=no', '--ignore-submodules=all'],
    `--untracked-files=${untracked}`,
  ]
  await git.read('status', { flags, signal }, async (reader) => {
    for await (const { path, index, worktree } of readStatus(reader)) {
      const isTracked = index !== '?'
      use({
        path,
        isTracked,
        isStaged: isTracked && index !== '.',
        isUnstaged: isTracked && worktree !== '.',
      })
    }
  })
}
