import { correlationId } from '../core/correlation.ts'
import { finishOk } from '../core/exec.ts'
import type { Needs } from '../git/operation.ts'
import type { Provided } from '../workspace/images.ts'
import { openingArgv, programEnvironment } from '../workspace/opening.ts'
import { start } from '../workspace/place.ts'
import { sandboxLimits, type Caller } from './caller.ts'
import type { RequestOptions, Workspace } from './contract.ts'
import { prepareFirstContact } from './first-contact.ts'
import type { Lease } from './leases.ts'
import { servedBy, workOf } from './outcome.ts'
import type { Parts } from './parts.ts'
import { opener, type Repository } from './repositories.ts'
import { bracketRequest, type RequestScope } from './request-scope.ts'
import type { OpenRequest } from './request.ts'
import { openedIds, type Resolution } from './resolve.ts'
import { withSecondTry } from './second-try.ts'
import { countUse, holding } from './use-of-repository.ts'
import { wantedImage } from './wanted-image.ts'
import { workspaceOf } from './workspace.ts'

/** Forks a workspace for a caller, on the branch, tag or commit that was asked for. */
export async function openWorkspace(parts: Parts, input: unknown, options: RequestOptions): Promise<Workspace> {
  const request = parts.requests.open(input)
  const { caller } = options
  parts.leases.checkRoom(caller, 1)
  const serve = async (scope: RequestScope, maxStalenessMs: number): Promise<Workspace> => {
    const repository = await parts.repositories.open(request.repo, opener(options))
    void prepareFirstContact(parts, repository, scope.signal)
    const known = { maxStalenessMs, signal: scope.signal }
    const resolution = await parts.resolver.resolve(repository, request.ref, known)
    const { cone } = request
    const wanted = wantedImage({ repository, commits: openedIds(resolution), needs: needsOf(request), cone })
    const opened = async (): Promise<Lease> => {
      const provided = await parts.images.provide(wanted, scope)
      countUse(parts, repository, request.ref, provided)
      return lend(parts, { request, repository, resolution, provided, caller }, scope)
    }
    // As soon as there is a lease, that is what keeps the images.
    const lease = await holding(parts, repository, () => parts.admission.run(caller, opened, scope))
    return workspaceOf(parts, lease)
  }
  return bracketRequest({ ...request, operation: 'open' }, options, (scope) =>
    withSecondTry(request.maxStalenessMs, (maxStalenessMs) => serve(scope, maxStalenessMs)),
  )
}

/** What git in a workspace finds there: as a clone of that depth, everything of each generation. */
function needsOf({ history }: OpenRequest): Needs {
  const extent = history === 'tip' ? 'tip' : 'all'
  return { history: history === 'tip' ? 1 : history, trees: extent, blobs: extent, worktree: 'full', refs: 'asked' }
}

interface Opening {
  readonly request: OpenRequest
  readonly repository: Repository
  readonly resolution: Resolution
  readonly provided: Provided
  readonly caller: Caller | undefined
}

async function lend(
  parts: Parts,
  { request, repository, resolution, provided, caller }: Opening,
  scope: RequestScope,
): Promise<Lease> {
  const { signal, deadlineMs } = scope
  const { sandbox, isWarm } = await parts.pool.take(
    {
      image: provided.image,
      upper: 'memory',
      network: 'none',
      limits: sandboxLimits(parts.limits, caller),
      metadata: { role: 'workspace' },
    },
    { signal },
  )
  try {
    const { result } = provided.plan
    const argv = openingArgv(resolution, result.tips, ['true'])
    const env = programEnvironment(correlationId() ?? '')
    await finishOk(start(sandbox, argv, { signal, deadlineMs, env }), 'open the working copy')
    const has = { ...result, tips: openedIds(resolution) }
    const copy = { sandbox, has, image: provided.image, base: has }
    const warnings = [...sandbox.warnings, ...provided.warnings]
    const { ref, ttlMs } = request
    const tier = servedBy(provided, isWarm)
    const facts = { repository, ref, resolution, driver: parts.driver.name, tier }
    const { receipt } = scope.answer({ value: null, work: workOf(provided), warnings }, facts)
    return parts.leases.add({ repository, ref, resolution, copy, receipt, warnings, caller }, ttlMs)
  } catch (error) {
    await sandbox.destroy()
    throw error
  }
}
