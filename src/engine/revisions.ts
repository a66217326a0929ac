import { AppError, hasCode } from '../core/errors.ts'
import { namesCommit } from '../git/fields.ts'
import type { Operation } from '../git/operation.ts'
import type { ResolvedRef } from '../git/remote/resolve-ref.ts'
import { parseRevision, type Revision } from '../git/revision.ts'
import type { Git } from '../git/run-git.ts'

/** The revisions of a request, by the field they stand in; a field left out stands for the request's ref. */
export type RevisionFields = ReadonlyMap<string, Revision>

/** Finds the fields of an operation that name commits. */
export function revisionFields(
  operation: Operation,
  input: Readonly<Record<string, unknown>>,
  ref: string,
): RevisionFields {
  const names = Object.entries(operation.input.shape)
    .filter(([name, field]) => namesCommit(field, input[name]))
    .map(([name]) => name)
  return new Map(names.map((name) => [name, parseRevision((input[name] as string | null) ?? ref)]))
}

/** How many more generations than one the steps of these revisions reach back. */
export function extraDepth(fields: RevisionFields): number {
  return Math.max(0, ...[...fields.values()].map(({ depth }) => depth - 1))
}

/** Puts a full commit id into every revision field: the resolved ref's, or where steps follow it, what they lead to. */
export async function pinRevisions(
  git: Git,
  fields: RevisionFields,
  resolved: (ref: string) => Pick<ResolvedRef, 'ref' | 'commit'>,
  { signal }: { signal: AbortSignal },
): Promise<Readonly<Record<string, string>>> {
  const pinned = [...fields].map(async ([field, { ref, steps }]) => {
    const { commit, ref: name } = resolved(ref)
    // Only branches lead to commits by rule; what a tag or an id is, is known once it is there.
    const isCommit = steps === '' && name?.startsWith('refs/heads/') === true
    return [field, isCommit ? commit : await walk(git, commit, steps, signal)] as const
  })
  return Object.fromEntries(await Promise.all(pinned))
}

async function walk(git: Git, commit: string, steps: string, signal: AbortSignal): Promise<string> {
  try {
    const { text } = await git('rev-parse', {
      flags: ['--verify', '--quiet'],
      operands: [`${commit}${steps}^{commit}`],
      signal,
    })
    return text.trim()
  } catch (error) {
    if (!hasCode(error, 'git_failed', 'commit_not_found')) throw error
    const fact = steps === '' ? 'it is not a commit' : 'the history is not that long'
    throw new AppError('commit_not_found', `Cannot resolve ${commit.slice(0, 12)}${steps}: ${fact}`, { cause: error })
  }
}
