import { AppError, hasCode } from '../core/errors.ts'
import { finish } from '../core/exec.ts'
import { span } from '../core/spans.ts'
import { correlationId } from '../core/correlation.ts'
import { gitFailure } from '../git/failure.ts'
import type { BranchPush } from '../git/operation.ts'
import { rejected } from '../git/remote/push-rejection.ts'
import type { Remote } from '../git/remote/remote.ts'
import type { Git } from '../git/run-git.ts'
import { transferEnvironment } from '../git/transfer-environment.ts'
import type { SandboxDriver, SandboxLimits } from '../sandbox/contract.ts'
import { builderGit } from './builder.ts'
import type { Provided } from './images.ts'
import { isThere, upgrade, type Connect, type LiveCopy } from './live-copy.ts'
import { hasGaps, type Has } from './needs.ts'
import { beyond, follows } from './follows.ts'
import { start } from './place.ts'
import type { BringOptions } from './upstream.ts'

export interface Pushing {
  readonly driver: SandboxDriver
  readonly limits: SandboxLimits
  /** The workspace, and git in it. */
  readonly copy: LiveCopy
  readonly git: Git
  readonly remote: Remote
  readonly connect: Connect
  /** An image with what the workspace was forked from, where that has been dropped since. */
  readonly provide: (options: BringOptions) => Promise<Provided>
  /** Of new objects. */
  readonly maxBytes: number
}

/**
 * Moves a branch of the upstream to a commit of a workspace. The new objects cross as a pack into a fork of the golden
 * image, where git checks them with neither network nor credential; what is sent is made there, of exactly the asked
 * commit, so nothing that a workspace was turned into can reach further than its objects.
 */
export function pushCommit(
  pushing: Pushing,
  wish: BranchPush,
  options: BringOptions,
): Promise<{ previous: string | null }> {
  const { driver, copy } = pushing
  return span('push', { driver: driver.name }, async () => {
    const inspected = await makeInspector(pushing, options)
    try {
      // What the image holds, and what the upstream was asked for since, by way of this process and not of the workspace.
      const known = { needs: { ...copy.base, worktree: 'none' }, commits: copy.has.tips, cone: [] } as const
      await upgrade(inspected, known, pushing.connect, options)
      await takeInWhole(pushing, inspected, wish.commit, options)
      return await send(pushing, inspected, wish, options)
    } finally {
      await inspected.sandbox.destroy().catch(() => {
        // What became of the push is told all the same; the traces are the reaper's.
      })
    }
  })
}

async function makeInspector(pushing: Pushing, options: BringOptions): Promise<LiveCopy> {
  const { driver, limits, copy, provide } = pushing
  const create = async (image: string, has: Has): Promise<LiveCopy> => {
    const spec = { image, upper: 'disk', network: 'none', limits, metadata: { role: 'inspector' } } as const
    return { sandbox: await driver.create(spec, options), image, has, base: has }
  }
  try {
    return await create(copy.image, copy.base)
  } catch (error) {
    if (!hasCode(error, 'image_not_found', 'image_incompatible')) throw error
    const { image, plan } = await provide(options)
    return create(image, plan.result)
  }
}

/** Takes a commit in; what a longer history of the workspace is made on is brought first where it is needed. */
async function takeInWhole(
  pushing: Pushing,
  inspected: LiveCopy,
  commit: string,
  options: BringOptions,
): Promise<void> {
  const { copy, connect } = pushing
  const longer = { needs: { ...copy.has, worktree: 'none' }, commits: copy.has.tips, cone: [] } as const
  try {
    await takeIn(pushing, inspected, commit, options)
  } catch (error) {
    if (!hasCode(error, 'push_rejected') || isThere(inspected, longer)) throw error
    await upgrade(inspected, longer, connect, options)
    await takeIn(pushing, inspected, commit, options)
  }
}

/** Brings what the workspace has beyond the upstream, checked object by object, and shows that the commit is whole. */
async function takeIn(pushing: Pushing, inspected: LiveCopy, commit: string, options: BringOptions): Promise<void> {
  const { signal } = options
  const git = builderGit(inspected.sandbox, options)
  if (inspected.has.tips.includes(commit)) return
  const flags = ['--revs', '--stdout', '--quiet', '--delta-base-offset', ...withGaps(inspected.has)]
  const stdin = beyond(commit, inspected.has)
  const { records } = pushing.git.stream('pack-objects', { flags, stdin, maxOutputBytes: pushing.maxBytes, signal })
  const env = transferEnvironment({ correlationId: correlationId() ?? '' })
  // With objects left out on purpose links cannot be checked here; the walk below does.
  const argv = ['git', 'index-pack', '--stdin', hasGaps(inspected.has) ? '--fsck-objects' : '--strict']
  const { code, stderr } = await finish(start(inspected.sandbox, argv, { ...options, env, stdin: records }))
  if (code !== 0) throw notWhole(gitFailure({ subcommand: 'index-pack', exitCode: code, stderr: stderr.toString() }))
  try {
    const { text } = await git('cat-file', { flags: ['-t'], revisions: [commit], signal })
    if (text.trim() !== 'commit') throw notWhole(null)
    const walk = ['--objects', '--quiet', ...withGaps(inspected.has), '--stdin']
    await git('rev-list', { flags: walk, stdin, signal })
  } catch (error) {
    if (!hasCode(error, 'git_failed', 'objects_missing', 'commit_not_found')) throw error
    throw notWhole(error)
  }
}

async function send(
  { remote, maxBytes }: Pushing,
  { sandbox, has }: LiveCopy,
  { branch, commit, expectedOld, force }: BranchPush,
  options: BringOptions,
): Promise<{ previous: string | null }> {
  const { signal } = options
  const git = builderGit(sandbox, options)
  const isThere = has.tips.includes(commit)
  const ref = `refs/heads/${branch}`
  const expected = expectedOld === null ? 'any' : { oid: expectedOld === 'none' ? null : expectedOld }
  const { old } = await remote.push({ ref, oid: commit, expected, signal }, async (ground) => {
    const isKept = force || ground.old === null || (await follows({ git, remote, has }, ground.old, commit, options))
    if (!isKept) throw rejected(ref, 'non_fast_forward', { fact: 'commits that it has would be lost' })
    if (isThere) return null
    const thin = ground.hasThinPack && !hasGaps(has) ? ['--thin'] : []
    const flags = ['--revs', '--stdout', '--quiet', ...(ground.hasOfsDelta ? ['--delta-base-offset'] : []), ...thin]
    const request = {
      flags: [...flags, ...withGaps(has)],
      stdin: beyond(commit, has),
      maxOutputBytes: maxBytes,
      signal,
    }
    return git.stream('pack-objects', request).records
  })
  return { previous: old }
}

function withGaps(has: Has): readonly string[] {
  return hasGaps(has) ? ['--missing=allow-promisor'] : []
}

function notWhole(cause: unknown): AppError {
  return new AppError('push_rejected', 'Cannot push: the objects of the workspace are not whole', {
    details: { reason: 'objects_invalid' },
    cause,
  })
}
