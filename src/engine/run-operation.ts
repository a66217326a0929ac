import { deepFreeze } from '../core/deep-freeze.ts'
import { findOperation } from '../git/registry.ts'
import { compute } from './compute.ts'
import type { Answer, RequestOptions } from './contract.ts'
import { prepareFirstContact } from './first-contact.ts'
import type { Parts } from './parts.ts'
import { opener } from './repositories.ts'
import { workOf, type Outcome } from './outcome.ts'
import { bracketRequest, type RequestScope } from './request-scope.ts'
import { runOnce } from './run-once.ts'
import { withSecondTry } from './second-try.ts'
import { resolveTask, resultKey } from './task.ts'

/** Runs a named operation on a repository: from its result, from an image, or from what it takes to make one. */
export async function runOperation(
  parts: Parts,
  name: string,
  input: unknown,
  options: RequestOptions,
): Promise<Answer<unknown>> {
  const operation = findOperation(name)
  const { common, own } = parts.requests.operation(operation, input)
  if (operation.effect !== 'read') return runOnce(parts, operation, { common, own }, options)
  const serve = async (scope: RequestScope, maxStalenessMs: number): Promise<Answer<unknown>> => {
    const repository = await parts.repositories.open(common.repo, opener(options))
    void prepareFirstContact(parts, repository, scope.signal)
    const task = await resolveTask(parts, { operation, own, repository, ref: common.ref, maxStalenessMs }, scope)
    const [resolution] = task.resolutions.values()
    const describe = { repository, ref: common.ref, resolution: resolution ?? null, driver: parts.driver.name }

    const key = resultKey(parts, task)
    const cached = operation.isPure ? parts.results.get(key) : null
    if (cached !== null) return scope.answer(given(cached), { ...describe, tier: 'result' })
    // Shared work ends with its last waiter, not with the deadline of the first.
    const work = async (signal: AbortSignal): Promise<Outcome> =>
      parts.admission.run(
        options.caller,
        async () => deepFreeze(await compute(parts, task, { ...scope, signal, deadlineMs: Infinity })),
        { signal },
      )
    const outcome = await parts.flights.run(key, work, scope)
    if (operation.isPure) parts.results.set(key, outcome)
    return scope.answer(given(outcome), { ...describe, tier: outcome.provided?.plan.tier ?? 'image' })
  }
  return bracketRequest(common, options, (scope) =>
    withSecondTry(common.maxStalenessMs, (maxStalenessMs) => serve(scope, maxStalenessMs)),
  )
}

function given({ value, provided, warnings }: Outcome) {
  return { value, work: workOf(provided), warnings }
}
