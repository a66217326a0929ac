import { AppError } from '../core/errors.ts'
import { readHead, type Head } from './head.ts'
import { isOid } from './revision.ts'
import type { Git } from './run-git.ts'
import { readUnderWay } from './under-way.ts'

/** A ref of the repository git runs in. */
export interface LocalRef {
  readonly name: string
  /** What the ref itself holds; of an annotated tag the tag object. */
  readonly oid: string
  /** The commit it leads to; `null` where it leads to something else. */
  readonly commit: string | null
  /** The full name of the branch it follows. */
  readonly upstream: string | null
  /** Whether some worktree of the repository has it checked out. */
  readonly isCheckedOut: boolean
}

const fields = ['refname', 'objectname', 'objecttype', '*objectname', '*objecttype', 'upstream', 'worktreepath']
const format = `${fields.map((field) => `%(${field})`).join('%00')}%00%00`

/** The refs of exactly these full names that exist. */
export async function readRefs(
  git: Git,
  names: readonly string[],
  { signal }: { signal: AbortSignal },
): Promise<ReadonlyMap<string, LocalRef>> {
  const { text } = await git('for-each-ref', { flags: [`--format=${format}`], operands: names, signal })
  const refs = new Map<string, LocalRef>()
  for (const record of text.split('\0\0\n')) {
    const [name = '', oid = '', type, peeled = '', peeledType, upstream = '', worktree = ''] = record.split('\0')
    // Git takes a name for the beginning of others as well.
    if (!names.includes(name) || !isOid(oid)) continue
    const commit = type === 'commit' ? oid : peeledType === 'commit' ? peeled : null
    refs.set(name, {
      name,
      oid,
      commit,
      upstream: upstream.startsWith('refs/') ? upstream : null,
      isCheckedOut: worktree !== '',
    })
  }
  return refs
}

/** One change of a ref; `null` stands for a ref that does not exist. */
interface RefChange {
  readonly name: string
  readonly from: string | null
  readonly to: string | null
  /** What the log of the ref says about it. */
  readonly reason: string
  readonly signal: AbortSignal
}

/** Creates, moves or deletes a ref, unless it is no longer what it was when it was looked at. */
export async function changeRef(git: Git, { name, from, to, reason, signal }: RefChange): Promise<void> {
  const flags = ['--no-deref', `-m${reason}`, '--stdin', '-z']
  const command =
    to === null
      ? `delete ${name}\0${from ?? ''}\0`
      : from === null
        ? `create ${name}\0${to}\0`
        : `update ${name}\0${to}\0${from}\0`
  await git('update-ref', { flags, stdin: command, signal })
}

/** Throws `branch_in_use` where a branch is checked out, or will be moved by a rebase under way; else says where HEAD is. */
export async function refuseBranchInUse(
  git: Git,
  { name, ref, action, signal }: { name: string; ref: LocalRef | null; action: string; signal: AbortSignal },
): Promise<Head> {
  const [head, underWay] = await Promise.all([readHead(git, { signal }), readUnderWay(git, { signal })])
  const isRebased = underWay?.rebase?.branch === name
  if (head.branch === name || ref?.isCheckedOut === true || isRebased) {
    const fact = isRebased ? 'it is being rebased' : 'it is checked out'
    throw new AppError('branch_in_use', `Cannot ${action}: ${fact}`, { details: { branch: name } })
  }
  return head
}
