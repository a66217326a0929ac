import { AppError, hasCode } from '../core/errors.ts'
import type { OperationContext } from '../git/operation.ts'
import type { Git } from '../git/run-git.ts'
import { workspaceGit } from '../workspace/builder.ts'
import type { Provided } from '../workspace/images.ts'
import { missingOf } from '../workspace/missing-objects.ts'
import type { Sandbox } from '../sandbox/contract.ts'
import { withSandbox } from '../workspace/place.ts'
import type { Outcome } from './outcome.ts'
import type { Parts } from './parts.ts'
import type { RequestScope } from './request-scope.ts'
import { contextOf, imageRequest, pinnedInput, type Task } from './task.ts'
import { holding } from './use-of-repository.ts'

/** Makes what the task needs and runs it; contents that turn out to be missing are brought in one batch, once. */
export async function compute(parts: Parts, task: Task, scope: RequestScope): Promise<Outcome> {
  const { operation, needs } = task
  if (needs.history === 0) {
    return { value: await operation.run(noGit, task.own, contextOf(task, scope.signal)), provided: null, warnings: [] }
  }
  return holding(parts, task.repository, async () => {
    const request = await imageRequest(task, scope.signal)
    const provided = await parts.images.provide(request, scope)
    const first = await attempt(parts, task, provided, scope)
    if (!('missing' in first)) return first
    const lack = { image: provided.image, missing: first.missing }
    const fuller = await parts.images.backfill(request, lack, scope)
    const second = await attempt(parts, task, fuller, scope)
    if (!('missing' in second)) return second
    throw new AppError('objects_missing', `Cannot run ${operation.name}: the remote did not bring what it needs`)
  })
}

/** Runs the operation in a fork that changes nothing; `missing` are ids to be brought before it can succeed. */
async function attempt(
  parts: Parts,
  task: Task,
  provided: Provided,
  scope: RequestScope,
): Promise<Outcome | { missing: readonly string[] }> {
  const read = (sandbox: Sandbox): Promise<Outcome | { missing: readonly string[] }> =>
    readIn(parts, task, provided, sandbox, scope)
  if (task.needs.refs === 'asked') return parts.readers.use(provided.image, read)
  // Tags are written into the fork, which others must not see.
  const own = { upper: 'memory', network: 'none', limits: parts.readerLimits, metadata: { role: 'reader' } } as const
  return withSandbox(parts.driver, { image: provided.image, ...own }, read, scope)
}

async function readIn(
  parts: Parts,
  task: Task,
  provided: Provided,
  sandbox: Sandbox,
  scope: RequestScope,
): Promise<Outcome | { missing: readonly string[] }> {
  const { operation } = task
  const git = workspaceGit(sandbox, { deadlineMs: scope.deadlineMs, maxOutputBytes: parts.settings.maxOutputBytes })
  const input = await pinnedInput(git, task, scope.signal)
  const context = contextOf(task, scope.signal)
  const leftOut = task.needs.worktree === 'none' ? [] : provided.warnings
  if (provided.mayLackBlobs && operation.blobs !== undefined) {
    const missing = await missingOf(git, await operation.blobs(git, input, context), scope.signal)
    if (missing.length > 0) return { missing }
  }
  if (task.needs.refs === 'tags') await writeTags(git, context)
  try {
    const value = await operation.run(git, input, context)
    return { value, provided, warnings: [...sandbox.warnings, ...leftOut] }
  } catch (error) {
    const missing = hasCode(error, 'objects_missing') ? error.details['oids'] : undefined
    if (!Array.isArray(missing) || missing.length === 0) throw error
    return { missing: missing as readonly string[] }
  }
}

async function writeTags(git: Git, context: OperationContext): Promise<void> {
  const tags = await context.refs('refs/tags/')
  const stdin = tags.map(({ name, oid }) => `create ${name}\0${oid}\0`).join('')
  await git('update-ref', { flags: ['--stdin', '-z'], stdin, signal: context.signal })
}

const refusal = (): never => {
  throw new AppError('internal', 'Cannot run git: the operation said that refs are enough')
}
const noGit: Git = Object.assign(async () => refusal(), { read: async () => refusal(), stream: refusal })
