import { AppError } from '../core/errors.ts'
import { namesCommit } from '../git/fields.ts'
import { commitsOf } from '../git/head.ts'
import type { Operation } from '../git/operation.ts'
import { isOid, parseRevision, revisionProblem } from '../git/revision.ts'
import type { Git } from '../git/run-git.ts'

/** How many generations before a name the revisions of an input reach; what only git understands tells nothing. */
export function stepsBack(operation: Operation, input: Readonly<Record<string, unknown>>): number {
  const depths = revisionsOf(operation, input).map(([, text]) =>
    revisionProblem(text) === null ? parseRevision(text).depth - 1 : 0,
  )
  return Math.max(0, ...depths)
}

/** An input with a full commit id in every revision field. */
export interface Pinned {
  readonly input: Readonly<Record<string, unknown>>
  readonly commits: readonly string[]
  /** Where HEAD is, if anything was pinned; `null` before the first commit. */
  readonly head: string | null
}

/** Whether one of the revisions may be found once more of the history is there: it steps back, or searches. */
export function mayLieDeeper(operation: Operation, input: Readonly<Record<string, unknown>>): boolean {
  return revisionsOf(operation, input).some(([, text]) => /[~^:]/.test(text))
}

/** Pins revisions as git in the workspace understands them; throws `commit_not_found`. */
export async function pinLocally(
  git: Git,
  operation: Operation,
  input: Readonly<Record<string, unknown>>,
  { signal }: { signal: AbortSignal },
): Promise<Pinned> {
  const revisions = revisionsOf(operation, input)
  if (revisions.length === 0) return { input, commits: [], head: null }
  const names = await Promise.all(revisions.map(([, text]) => nameOf(git, text, signal)))
  const [head = null, ...found] = await commitsOf(git, ['HEAD', ...names], { signal })
  const commits = revisions.map(([, text], at) => found[at] ?? missing(text))
  const pinned = Object.fromEntries(revisions.map(([field], at) => [field, commits[at]]))
  return { input: { ...input, ...pinned }, commits, head }
}

function revisionsOf(operation: Operation, input: Readonly<Record<string, unknown>>): [field: string, text: string][] {
  return Object.entries(operation.input.shape)
    .filter(([name, field]) => namesCommit(field, input[name]))
    .map(([name]) => [name, (input[name] as string | null) ?? 'HEAD'])
}

/** What a search or a path stands for is asked by itself: it would take what follows for its own. */
async function nameOf(git: Git, text: string, signal: AbortSignal): Promise<string> {
  if (!text.includes(':')) return text
  const request = { flags: ['--verify', '--quiet'], operands: [text], okExitCodes: [0, 1, 128], signal }
  const oid = (await git('rev-parse', request)).text.trim()
  return isOid(oid) ? oid : missing(text)
}

function missing(text: string): never {
  throw new AppError('commit_not_found', `Cannot resolve "${text}": the workspace has no such commit`, {
    details: { revision: text },
  })
}
