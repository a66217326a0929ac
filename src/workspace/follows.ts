import { AppError } from '../core/errors.ts'
import type { Remote } from '../git/remote/remote.ts'
import type { Git } from '../git/run-git.ts'
import type { Has } from './needs.ts'

interface Ground {
  /** Git where the commit is, with none but the upstream's history below it. */
  readonly git: Git
  readonly remote: Remote
  readonly has: Has
}

/**
 * Whether a commit has `old`, a commit of the upstream, in its history. Where that was cut off too early to tell, the
 * upstream says so for a few bytes: it has nothing to send to somebody who has everything below.
 */
export async function follows(
  { git, remote, has }: Ground,
  old: string,
  commit: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<boolean> {
  const { exitCode } = await git('merge-base', {
    flags: ['--is-ancestor'],
    revisions: [old, commit],
    okExitCodes: [0, 1, 128],
    signal,
  })
  if (exitCode === 0) return true
  if (exitCode === 1 && has.history === 'full') return false
  const haves = has.tips.includes(commit) ? [commit] : await whereItLeft(git, has, commit, signal)
  if (haves.length === 0) return false
  const wish = {
    wants: [old],
    haves,
    shallow: [],
    depth: 'full',
    filter: 'none',
    signal,
    onProgress: () => {},
  } as const
  return (await remote.fetchPack(wish, ({ pack }) => countOfObjects(pack))) === 0
}

/** The upstream's commits on which the new ones were made. */
async function whereItLeft(git: Git, has: Has, commit: string, signal: AbortSignal): Promise<readonly string[]> {
  const { text } = await git('rev-list', { flags: ['--boundary', '--stdin'], stdin: beyond(commit, has), signal })
  return text.split('\n').flatMap((line) => (line.startsWith('-') ? [line.slice(1)] : []))
}

/** The revisions, one a line, of what a commit has beyond the upstream's history that is here. */
export function beyond(commit: string, { tips }: Has): string {
  return [commit, ...tips.map((oid) => `^${oid}`)].map((line) => `${line}\n`).join('')
}

/** From the twelve bytes a pack begins with; see gitformat-pack. */
async function countOfObjects(pack: AsyncIterable<Uint8Array>): Promise<number> {
  let head = Buffer.alloc(0)
  for await (const chunk of pack) {
    head = Buffer.concat([head, chunk])
    if (head.length >= 12) return head.readUInt32BE(8)
  }
  throw new AppError('remote_failed', 'Cannot ask whether commits would be lost: the pack ends too early')
}
