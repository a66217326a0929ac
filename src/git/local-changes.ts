import { AppError, hasCode } from '../core/errors.ts'
import { toExactText, type ExactText } from './bytes.ts'
import type { Git } from './run-git.ts'
import { readStatus } from './status-records.ts'
import { parentKeys, pathKey, readSteps, type Step } from './steps.ts'

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
  const [changes, touched] = await Promise.all([
    readLocalChanges(git, { untracked: 'all', signal }),
    readSteps(git, steps, { signal }),
  ])
  const files = new Set(touched.map(pathKey))
  const directories = new Set(touched.flatMap(parentKeys))
  const inTheWay = changes.filter(
    ({ path, isStaged, isTracked }) =>
      (anywhere === 'staged' && isStaged) ||
      (anywhere === 'tracked' && isTracked) ||
      files.has(pathKey({ path })) ||
      // A file may stand where a directory has to be, and the other way round.
      directories.has(pathKey({ path })) ||
      parentKeys({ path }).some((parent) => files.has(parent)),
  )
  // A rename may lead to where no step has anything; then every change is a suspect.
  const paths: readonly ExactText[] = (inTheWay.length > 0 ? inTheWay : changes).map(({ path }) => toExactText(path))
  return new AppError(error.code, error.message, {
    details: { ...error.details, paths: paths.slice(0, maxPaths), count: paths.length },
    cause: error,
  })
}

/** Throws `worktree_dirty` where files that git knows differ from the index, or where asked the index from HEAD. */
export async function refuseLocalChanges(
  git: Git,
  { action, staged, signal }: { action: string; staged: boolean; signal: AbortSignal },
): Promise<void> {
  const changes = await readLocalChanges(git, { untracked: 'no', signal })
  const inTheWay = changes.filter(({ isStaged, isUnstaged }) => isUnstaged || (staged && isStaged))
  if (inTheWay.length === 0) return
  const paths = inTheWay.slice(0, maxPaths).map(({ path }) => toExactText(path))
  throw new AppError('worktree_dirty', `Cannot ${action}: there are local changes`, {
    details: { paths, count: inTheWay.length },
  })
}

async function readLocalChanges(
  git: Git,
  { untracked, signal }: { untracked: 'no' | 'all'; signal: AbortSignal },
): Promise<readonly LocalChange[]> {
  const flags = [
    ...['--porcelain=v2', '-z', '--no-renames', '--no-ahead-behind', '--ignored=no', '--ignore-submodules=all'],
    `--untracked-files=${untracked}`,
  ]
  return git.read('status', { flags, signal }, async (reader) => {
    const changes: LocalChange[] = []
    for await (const { path, index, worktree } of readStatus(reader)) {
      const isTracked = index !== '?'
      changes.push({
        path,
        isTracked,
        isStaged: isTracked && index !== '.',
        isUnstaged: isTracked && worktree !== '.',
      })
    }
    return changes
  })
}
