import type { Git } from './run-git.ts'
import { isOid } from './revision.ts'

/** Where a working copy stands. */
export interface Head {
  /** `null` before the first commit. */
  readonly commit: string | null
  /** Short name; `null` where HEAD is detached. */
  readonly branch: string | null
}

const prefix = 'refs/heads/'

/** The commit and the branch that HEAD is at. */
export async function readHead(git: Git, { signal }: { signal: AbortSignal }): Promise<Head> {
  // Exit code 1 means that HEAD is detached.
  const request = { flags: ['--quiet'], operands: ['HEAD'], okExitCodes: [0, 1], signal }
  const [commit, { text }] = await Promise.all([commitAt(git, 'HEAD', { signal }), git('symbolic-ref', request)])
  const ref = text.trim()
  return { commit, branch: ref.startsWith(prefix) ? ref.slice(prefix.length) : null }
}

/** The commit that git has noted under one of its own names; `null` where there is none. */
export async function commitAt(
  git: Git,
  name: 'HEAD' | 'MERGE_HEAD' | 'CHERRY_PICK_HEAD' | 'refs/stash',
  { signal }: { signal: AbortSignal },
): Promise<string | null> {
  const request = {
    flags: ['--verify', '--quiet'],
    operands: [`${name}^{commit}`],
    okExitCodes: [0, 1],
    signal,
  }
  const oid = (await git('rev-parse', request)).text.trim()
  return isOid(oid) ? oid : null
}

/** The id of the tree without entries, which git knows without having it: what a first commit is compared with. */
export async function emptyTree(git: Git, { signal }: { signal: AbortSignal }): Promise<string> {
  return (await git('hash-object', { flags: ['-ttree', '--stdin'], signal, stdin: '' })).text.trim()
}
