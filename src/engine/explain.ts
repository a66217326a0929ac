import { findOperation } from '../git/registry.ts'
import { noFacts } from '../workspace/cost.ts'
import { plan } from '../workspace/plan.ts'
import { keptState } from './cache-state.ts'
import type { Explanation, RequestOptions } from './contract.ts'
import { assertOneShot } from './one-shot.ts'
import type { Parts } from './parts.ts'
import { opener } from './repositories.ts'
import { bracketRequest } from './request-scope.ts'
import { imageRequest, resolveTask } from './task.ts'

/** Plans an operation as `run` would, with the same proof of access, and runs nothing in a sandbox. */
export async function explain(
  parts: Parts,
  name: string,
  input: unknown,
  options: RequestOptions,
): Promise<Explanation> {
  const operation = findOperation(name)
  const { common, own } = parts.requests.operation(operation, input)
  assertOneShot(operation, own)
  return bracketRequest({ ...common, operation: 'explain' }, options, async (scope) => {
    const repository = await parts.repositories.open(common.repo, opener(options))
    const { ref, maxStalenessMs } = common
    const task = await resolveTask(parts, { operation, own, repository, ref, maxStalenessMs }, scope)
    const { needs } = task
    const chosen =
      needs.history === 0
        ? plan({ ...nothing, needs })
        : await parts.images.plan(await imageRequest(task, scope.signal), await repository.remote.abilities(scope))
    const base = (await parts.images.list()).find(({ id }) => id === chosen.base)
    const kept = options.caller?.isOperator === false ? [] : await parts.cache.kept()
    const entry = kept.find(({ repo }) => repo === repository.key)
    return {
      needs,
      has: base?.content.has ?? null,
      steps: chosen.steps,
      cost: chosen.cost,
      kept: entry === undefined ? null : keptState(entry),
    }
  })
}

const nothing = { commits: [], cone: [], candidates: [], remote: { hasFilter: true, hasShallow: true }, facts: noFacts }
