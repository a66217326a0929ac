import { AppError } from '../core/errors.ts'
import type { Needs, Operation, OperationContext } from '../git/operation.ts'
import type { Git } from '../git/run-git.ts'
import type { ImageRequest } from '../workspace/image-request.ts'
import type { Parts } from './parts.ts'
import type { Repository } from './repositories.ts'
import type { Resolution } from './resolve.ts'
import { extraDepth, pinRevisions, revisionFields, type RevisionFields } from './revisions.ts'

/** An operation of one request, with its refs resolved by the caller's own credential. */
export interface Task {
  readonly operation: Operation
  readonly own: Readonly<Record<string, unknown>>
  readonly fields: RevisionFields
  readonly needs: Needs
  readonly repository: Repository
  readonly resolutions: ReadonlyMap<string, Resolution>
}

/** Resolves every ref the operation names; that is also the proof that this caller may see the repository. */
export async function resolveTask(
  { resolver }: Pick<Parts, 'resolver'>,
  request: Pick<Task, 'operation' | 'own' | 'repository'> & { ref: string; maxStalenessMs: number },
  { signal }: { signal: AbortSignal },
): Promise<Task> {
  const { operation, own, repository, ref, maxStalenessMs } = request
  const fields = revisionFields(operation, own, ref)
  const base = operation.needs(own)
  const extra = extraDepth(fields)
  const needs = typeof base.history === 'number' && extra > 0 ? { ...base, history: base.history + extra } : base
  // An answer made of refs asks for those by itself.
  const names =
    needs.history === 0 ? [] : fields.size === 0 ? [ref] : [...new Set([...fields.values()].map((one) => one.ref))]
  const found = names.map(
    async (one) => [one, await resolver.resolve(repository, one, { maxStalenessMs, signal })] as const,
  )
  return { operation, own, fields, needs, repository, resolutions: new Map(await Promise.all(found)) }
}

/** Ids whose objects the task needs, a worktree's first. */
export async function imageRequest(task: Task, signal: AbortSignal): Promise<ImageRequest> {
  const { repository, needs, resolutions } = task
  const tags = needs.refs === 'tags' ? await repository.remote.lsRefs({ prefixes: ['refs/tags/'], signal }) : []
  const commits = [...[...resolutions.values()].map(({ commit }) => commit), ...tags.map(({ oid }) => oid)]
  const listBlobs: ImageRequest['listBlobs'] = async (git, { signal: listing }) => {
    const { operation } = task
    return operation.blobs === undefined
      ? []
      : operation.blobs(git, await pinnedInput(git, task, listing), contextOf(task, listing))
  }
  const { connect } = repository
  const sharing = needs.blobs === 'paths' ? `${repository.scope} ${JSON.stringify(task.own)}` : repository.scope
  return { repo: repository.key, sharing, connect, needs, commits: [...new Set(commits)], cone: [], listBlobs }
}

/** The operation's input with a full commit id in every revision field. */
export async function pinnedInput(
  git: Git,
  { own, fields, resolutions }: Task,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const resolved = (ref: string): Resolution => {
    const found = resolutions.get(ref)
    if (found === undefined) throw new AppError('internal', 'Cannot pin a revision: its ref was not resolved')
    return found
  }
  return { ...own, ...(await pinRevisions(git, fields, resolved, { signal })) }
}

/** What the operation may ask besides git. */
export function contextOf({ repository }: Task, signal: AbortSignal): OperationContext {
  const refs: OperationContext['refs'] = (prefix) => repository.remote.lsRefs({ prefixes: [prefix], signal })
  return {
    signal,
    refs,
    files: { write: onlyReads },
    upstream: { fetch: onlyReads, bring: onlyReads, push: onlyReads },
  }
}

async function onlyReads(): Promise<never> {
  throw new AppError('internal', 'Cannot change anything: this operation said that it only reads')
}

/** Equal keys have equal results: everything an answer depends on, and who may share it. */
export function resultKey({ gitVersion }: Parts, { operation, own, fields, repository, resolutions }: Task): string {
  const pinned = [...fields].map(([name, { ref, steps }]) => [name, `${resolutions.get(ref)?.commit}${steps}`])
  const commits = [...resolutions.values()].map(({ commit }) => commit)
  return JSON.stringify([
    repository.scope,
    operation.name,
    { ...own, ...Object.fromEntries(pinned) },
    commits,
    gitVersion,
  ])
}
