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

type OwnName = 'HEAD' | 'MERGE_HEAD' | 'CHERRY_PICK_HEAD' | 'REVERT_HEAD' | 'REBASE_HEAD' | 'refs/stash'

/** The commits that git has noted under some of its own names; `null` where there is none. */
export async function commitsAt<const Names extends readonly OwnName[]>(
  git: Git,
  names: Names,
  { signal }: { signal: AbortSignal },
): Promise<{ readonly [At in keyof Names]: string | null }> {
  return (await commitsOf(git, names, { signal })) as { [At in keyof Names]: string | null }
}

/** The commits that revisions without a line break stand for, all found by one git; `null` where there is none. */
export async function commitsOf(
  git: Git,
  revisions: readonly string[],
  { signal }: { signal: AbortSignal },
): Promise<readonly (string | null)[]> {
  const stdin = revisions.map((revision) => `${revision}^{commit}\n`).join('')
  const { text } = await git('cat-file', { flags: ['--batch-check=%(objectname)'], stdin, signal })
  const lines = text.split('\n')
  return revisions.map((_, index) => (isOid(lines[index] ?? '') ? (lines[index] ?? null) : null))
}

/** The commit that git has noted under one of its own names; `null` where there is none. */
export async function commitAt(git: Git, name: OwnName, { signal }: { signal: AbortSignal }): Promise<string | null> {
  const [commit] = await commitsAt(git, [name], { signal })
  return commit
}

/** The id of the tree without entries, which git knows without having it: what a first commit is compared with. */
export async function emptyTree(git: Git, { signal }: { signal: AbortSignal }): Promise<string> {
  return (await git('hash-object', { flags: ['-ttree', '--stdin'], signal, stdin: '' })).text.trim()
}
