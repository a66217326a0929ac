import { AppError } from '../core/errors.ts'
import { namesCommit } from '../git/fields.ts'
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
  const found = await Promise.all(
    revisionsOf(operation, input).map(async ([field, text]) => [field, await commitOf(git, text, signal)] as const),
  )
  return { input: { ...input, ...Object.fromEntries(found) }, commits: found.map(([, commit]) => commit) }
}

function revisionsOf(operation: Operation, input: Readonly<Record<string, unknown>>): [field: string, text: string][] {
  return Object.entries(operation.input.shape)
    .filter(([name, field]) => namesCommit(field, input[name]))
    .map(([name]) => [name, (input[name] as string | null) ?? 'HEAD'])
}

async function commitOf(git: Git, text: string, signal: AbortSignal): Promise<string> {
  // What a search or a path stands for is asked first: it would take what follows for its own.
  const name = text.includes(':') ? await look(git, text, signal) : text
  const commit = name === null ? null : await look(git, `${name}^{commit}`, signal)
  if (commit !== null) return commit
  throw new AppError('commit_not_found', `Cannot resolve "${text}": the workspace has no such commit`, {
    details: { revision: text },
  })
}

async function look(git: Git, operand: string, signal: AbortSignal): Promise<string | null> {
  const request = { flags: ['--verify', '--quiet'], operands: [operand], okExitCodes: [0, 1, 128], signal }
  const oid = (await git('rev-parse', request)).text.trim()
  return isOid(oid) ? oid : null
}
