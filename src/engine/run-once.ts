import type { Operation } from '../git/operation.ts'
import type { Answer, RequestOptions } from './contract.ts'
import { assertOneShot } from './one-shot.ts'
import { openWorkspace } from './open-workspace.ts'
import type { Parts } from './parts.ts'
import type { Common } from './request.ts'

/** Runs an operation that talks to the upstream in a workspace of its own, which ends with it. */
export async function runOnce(
  parts: Parts,
  operation: Operation,
  { common, own }: { readonly common: Common; readonly own: Readonly<Record<string, unknown>> },
  options: RequestOptions,
): Promise<Answer<unknown>> {
  assertOneShot(operation, own)
  const { repo, maxStalenessMs, deadlineMs } = common
  // What is named is what the image is made of: a ref to be fetched, a commit to be given a name.
  const ref = [own['ref'], own['commit']].find((name) => typeof name === 'string') ?? 'HEAD'
  const startedAt = performance.now()
  const workspace = await openWorkspace(parts, { repo, ref, maxStalenessMs, deadlineMs }, options)
  try {
    const leftMs = Math.max(1, Math.ceil(startedAt + deadlineMs - performance.now()))
    const { value, receipt } = await workspace.run(operation.name, { ...own, deadlineMs: leftMs }, options)
    return { value, receipt: { ...workspace.receipt, ...pick(receipt) } }
  } finally {
    await workspace.close()
  }
}

/** How the answer came to be is told by the opening; when it was given, by the operation. */
function pick({ phases, correlationId }: Answer<unknown>['receipt']) {
  return { phases, correlationId }
}
