import { refuseConflicts } from './conflicts.ts'
import type { GitArguments } from './arguments.ts'
import { readHead, type Head } from './head.ts'
import { withLocalChanges } from './local-changes.ts'
import type { Git } from './run-git.ts'
import { readUnderWay, refuseUnderWay } from './under-way.ts'

/** What is to be checked out. */
export type SwitchTarget =
  | { readonly kind: 'branch'; readonly name: string; readonly commit: string }
  /** A branch of origin that becomes a local one. */
  | { readonly kind: 'origin'; readonly name: string; readonly commit: string }
  /** A new branch, or with `force` an old one that is moved. */
  | { readonly kind: 'new'; readonly name: string; readonly commit: string; readonly force: boolean }
  | { readonly kind: 'commit'; readonly commit: string }

interface Switch {
  readonly target: SwitchTarget
  /** Local changes in the way are thrown away, and so is a merge, a pick or a revert under way. */
  readonly force: boolean
  readonly action: string
  readonly signal: AbortSignal
}

/** Checks out a branch or a commit; local changes stay where nothing is in their way. */
export async function switchHead(
  git: Git,
  { target, force, action, signal }: Switch,
): Promise<{ head: Head; previous: Head }> {
  const [previous, underWay] = await Promise.all([
    readHead(git, { signal }),
    readUnderWay(git, { signal }),
    force ? null : refuseConflicts(git, action, { signal }),
  ])
  // A rebase would go on from wherever HEAD is then.
  if (!force || underWay?.kind === 'rebase' || underWay?.kind === 'am') refuseUnderWay(underWay, action)
  const flags = ['--quiet', '--no-guess', '--no-progress', '--no-recurse-submodules', ...(force ? ['--force'] : [])]
  try {
    await git('checkout', { ...toArguments(target, flags), signal })
  } catch (error) {
    const steps = previous.commit === null ? [] : [{ from: previous.commit, to: target.commit }]
    throw await withLocalChanges(git, error, { steps, anywhere: 'none', signal })
  }
  const branch = target.kind === 'commit' ? null : target.name
  return { head: { branch, commit: target.commit }, previous }
}

// HEAD can only follow a name, so names are passed on here; `--` keeps them from being taken for paths.
function toArguments(target: SwitchTarget, flags: readonly string[]): GitArguments {
  if (target.kind === 'branch') return { flags, operands: [target.name] }
  if (target.kind === 'commit') return { flags: [...flags, '--detach'], revisions: [target.commit] }
  if (target.kind === 'origin') {
    return { flags: [...flags, '--track', `-b${target.name}`], operands: [`refs/remotes/origin/${target.name}`] }
  }
  return { flags: [...flags, '--no-track', `-${target.force ? 'B' : 'b'}${target.name}`], revisions: [target.commit] }
}
