import { AppError } from '../core/errors.ts'
import { correlationId } from '../core/correlation.ts'
import { finishOk } from '../core/exec.ts'
import { span } from '../core/spans.ts'
import { bindGit, type Git } from '../git/run-git.ts'
import { transferEnvironment } from '../git/transfer-environment.ts'
import type { Sandbox } from '../sandbox/contract.ts'
import { MAX_SAID_BYTES, start, type PlaceOptions } from './place.ts'

/** Git in a builder: hardened, without network, on objects that a hostile server may have made. */
export function builderGit(builder: Sandbox, { deadlineMs }: PlaceOptions): Git {
  const env = transferEnvironment({ correlationId: correlationId() ?? '' })
  return bindGit((command) => builder.exec(command), {
    env,
    deadlineMs,
    maxOutputBytes: MAX_SAID_BYTES,
    correlationId: correlationId() ?? '',
  })
}

/** Git as commands of a workspace see it: with the template's configuration. */
export function workspaceGit(
  sandbox: Sandbox,
  {
    deadlineMs,
    maxOutputBytes,
    config = {},
  }: Omit<PlaceOptions, 'signal'> & { maxOutputBytes: number; config?: Readonly<Record<string, string>> },
): Git {
  return bindGit((command) => sandbox.exec(command), {
    config,
    deadlineMs,
    maxOutputBytes,
    correlationId: correlationId() ?? '',
  })
}

/** Brings the worktree to a commit; `from` is the commit it shows already, whose unchanged files are not looked at. */
export async function checkOut(
  git: Git,
  { from, to, cone }: { from: string | null; to: string; cone: readonly string[] },
  { signal }: PlaceOptions,
): Promise<void> {
  await span('checkout', {}, async () => {
    await requireCommit(git, to, signal)
    if (cone.length > 0) await setCone(git, cone, { signal })
    const flags = from === null ? ['--reset', '-u'] : ['-m', '-u']
    await git('read-tree', { flags, revisions: from === null ? [to] : [from, to], signal })
  })
}

/** Checks out the files of these directories, or all files where there are none; what was changed stays as it is. */
export async function setCone(git: Git, cone: readonly string[], { signal }: { signal: AbortSignal }): Promise<void> {
  if (cone.length === 0) {
    await git('sparse-checkout', { action: 'disable', signal })
    return
  }
  await git('sparse-checkout', { action: 'set', flags: ['--cone', '--stdin'], stdin: coneLines(cone), signal })
}

/** Checks out these directories as well; whoever works there may have chosen others, or all files. */
export async function widenCone(git: Git, cone: readonly string[], { signal }: { signal: AbortSignal }): Promise<void> {
  const asked = { flags: ['--type=bool', '--get'], operands: ['core.sparseCheckout'], okExitCodes: [0, 1], signal }
  if ((await git('config', asked)).text.trim() !== 'true') return
  await git('sparse-checkout', { action: 'add', flags: ['--stdin'], stdin: coneLines(cone), signal })
}

function coneLines(cone: readonly string[]): string {
  return cone.map((directory) => `${JSON.stringify(directory)}\n`).join('')
}

/** A tag or an id of a tree could be checked out as well, and would be nobody's commit. */
async function requireCommit(git: Git, oid: string, signal: AbortSignal): Promise<void> {
  const { text } = await git('cat-file', { flags: ['-t'], revisions: [oid], signal })
  if (text.trim() !== 'commit')
    throw new AppError('commit_not_found', `Cannot check out ${oid.slice(0, 12)}: it is not a commit`)
}

/**
 * Fixed text. Files younger than the second in which the index was written count as perhaps changed, and git would read
 * all of them again; nobody else writes here, so an index from the future says truly that they are not. Where
 * attributes may convert contents, checked-out files need not equal their blobs, and git has to look.
 * The index that status then writes bears the real time, so in forks the rule of the same second holds as ever.
 */
const BAKE = `
[ -n "$(git -c core.fsmonitor=false ls-files -- .gitattributes '*/.gitattributes')" ] || touch -m -d '+1 hour' .git/index
exec "$@"
`

/**
 * The last act of a build: a status that writes the index so that a fork of `imageId` finds everything clean without
 * looking at a single file. Resolves with what it said, which every fork must repeat.
 */
export async function bakeIndex(builder: Sandbox, imageId: string, options: PlaceOptions): Promise<string> {
  return span('index', {}, async () => {
    const env = {
      PATH: '/usr/bin:/bin',
      HOME: '/home',
      LC_ALL: 'C',
      GIT_OPTIONAL_LOCKS: '1',
      GIT_NO_LAZY_FETCH: '1',
      FORKYARD_NEXT_TOKEN: imageId,
    }
    const argv = ['/bin/sh', '-c', BAKE, 'bake', ...statusArgv]
    const { stdout } = await finishOk(start(builder, argv, { ...options, env }), 'write the index')
    return stdout.toString('latin1')
  })
}

/** Runs status in a throw-away fork of a new image; throws `sandbox_failed` where it differs from the builder's. */
export async function probe(fork: Sandbox, expected: string, options: PlaceOptions): Promise<void> {
  await span('probe', {}, async () => {
    const env = { PATH: '/usr/bin:/bin', HOME: '/home', LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0', GIT_NO_LAZY_FETCH: '1' }
    const { stdout } = await finishOk(start(fork, statusArgv, { ...options, env }), 'probe an image')
    if (stdout.toString('latin1') !== expected)
      throw new AppError('sandbox_failed', 'Cannot promote an image: its status differs from its builder’s')
  })
}

const statusArgv = ['git', 'status', '--porcelain=v2', '-z', '--ignore-submodules=all']
