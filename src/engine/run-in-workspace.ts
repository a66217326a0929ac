import { AppError, hasCode } from '../core/errors.ts'
import type { Operation, OperationContext } from '../git/operation.ts'
import { findOperation } from '../git/registry.ts'
import type { Git } from '../git/run-git.ts'
import { workspaceGit } from '../workspace/builder.ts'
import { hasGaps } from '../workspace/needs.ts'
import type { Step } from '../workspace/steps.ts'
import { worktreeFiles } from '../workspace/worktree-files.ts'
import type { Recorder } from './answer-records.ts'
import { bringContents } from './bring-contents.ts'
import { bringNeeds } from './bring-needs.ts'
import type { Answer, RequestOptions } from './contract.ts'
import { whenIndexIsFree } from './index-lock.ts'
import type { Lease } from './leases.ts'
import type { Parts } from './parts.ts'
import { upstreamOf } from './upstream-of-workspace.ts'
import { refsIn } from './workspace-refs.ts'
import { watched } from './watched-operation.ts'
import { bracketInWorkspace, type WorkspaceScope } from './workspace-scope.ts'

/** Runs a named operation in a workspace; reads run together, what changes something runs alone. A `recorder` is told the items. */
export async function runInWorkspace(
  parts: Parts,
  lease: Lease,
  name: string,
  input: unknown,
  options: RequestOptions,
  recorder: Recorder | null = null,
): Promise<Answer<unknown>> {
  const declared = findOperation(name)
  const operation = recorder === null ? declared : watched(declared, recorder)
  const { own, deadlineMs } = parts.requests.inWorkspace(operation, input)
  const kind = operation.effect === 'read' ? 'read' : 'write'
  return bracketInWorkspace(
    parts,
    lease,
    { operation: name, effect: operation.effect, deadlineMs },
    options,
    (scope) => {
      recorder?.know(scope.known())
      const run = (): Promise<Answer<unknown>> => serve({ parts, lease, operation, own, options }, scope)
      return lease.lock.run(kind, () => parts.admission.run(options.caller, run, scope), scope)
    },
  )
}

interface Call {
  readonly parts: Parts
  readonly lease: Lease
  readonly operation: Operation
  readonly own: Readonly<Record<string, unknown>>
  readonly options: RequestOptions
}

async function serve(call: Call, scope: WorkspaceScope): Promise<Answer<unknown>> {
  const { parts, lease, operation, own, options } = call
  const brought = { steps: [] as Step[], bytesFetched: 0 }
  const git = workspaceGit(lease.copy.sandbox, {
    deadlineMs: scope.deadlineMs,
    maxOutputBytes: parts.settings.maxOutputBytes,
    config: withoutHooks,
  })
  const { input } = await bringNeeds({ lease, operation, own, git, brought }, scope)
  const context: OperationContext = {
    signal: scope.signal,
    refs: (prefix) => refsIn(git, prefix, scope),
    files: worktreeFiles(lease.copy.sandbox, { ...scope, maxReadBytes: parts.settings.maxOutputBytes }),
    upstream: upstreamOf({ parts, lease, git, brought, options }, scope),
  }
  if (hasGaps(lease.copy.has) && operation.blobs !== undefined) {
    brought.bytesFetched += await bringContents(lease, git, await operation.blobs(git, input, context), scope)
  }
  const attempt = (): Promise<unknown> => operation.run(git, input, context)
  const value = await whenIndexIsFree(lease, () => withMissing(call, git, attempt, brought, scope), scope)
  return scope.answer(value, brought)
}

/** Programs that a repository names as hooks are its caller's to run, not those of our own operations. */
const withoutHooks = { 'core.hooksPath': '/dev/null' }

/** Where objects turn out to be missing they are brought in one batch, once. */
async function withMissing(
  { lease, operation }: Call,
  git: Git,
  attempt: () => Promise<unknown>,
  brought: { bytesFetched: number },
  scope: WorkspaceScope,
): Promise<unknown> {
  try {
    return await attempt()
  } catch (error) {
    if (!hasCode(error, 'objects_missing')) throw error
    const { details } = error
    const { oids } = details
    if (!Array.isArray(oids) || oids.length === 0) throw error
    const gone = (cause: unknown): AppError =>
      new AppError('git_failed', `Cannot run ${operation.name}: objects of the workspace are gone`, {
        details,
        cause,
      })
    const bytes = await bringContents(lease, git, oids as readonly string[], scope).catch((cause: unknown) => {
      // What was made here the upstream cannot know.
      throw hasCode(cause, 'commit_not_found') ? gone(cause) : cause
    })
    if (bytes === 0) throw gone(error)
    brought.bytesFetched += bytes
    return attempt()
  }
}
