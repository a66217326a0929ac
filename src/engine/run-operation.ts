import { deepFreeze } from '../core/deep-freeze.ts'
import { findOperation } from '../git/registry.ts'
import type { Recorder } from './answer-records.ts'
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
import { countUse } from './use-of-repository.ts'
import { tellItems, watched } from './watched-operation.ts'

/**
 * Runs a named operation on a repository: from its result, from an image, or from what it takes to make one. Where there is
 * a `recorder`, items are told as they come and are no part of the answer; such work is nobody else's.
 */
export async function runOperation(
  parts: Parts,
  name: string,
  input: unknown,
  options: RequestOptions,
  recorder: Recorder | null = null,
): Promise<Answer<unknown>> {
  const declared = findOperation(name)
  const operation = recorder === null ? declared : watched(declared, recorder)
  const { common, own } = parts.requests.operation(operation, input)
  if (operation.effect !== 'read') return runOnce(parts, operation, { common, own }, options)
  const serve = async (scope: RequestScope, maxStalenessMs: number): Promise<Answer<unknown>> => {
    const repository = await parts.repositories.open(common.repo, opener(options))
    void prepareFirstContact(parts, repository, scope.signal)
    const task = await resolveTask(parts, { operation, own, repository, ref: common.ref, maxStalenessMs }, scope)
    const [[asked, resolution] = [common.ref, undefined]] = task.resolutions
    const describe = { repository, ref: common.ref, resolution: resolution ?? null, driver: parts.driver.name }
    recorder?.know(scope.known(describe))

    const key = resultKey(parts, task)
    const cached = operation.isPure ? parts.results.get(key) : null
    if (cached !== null) {
      countUse(parts, repository, asked, null)
      const value = recorder === null ? cached.value : await tellItems(operation, cached.value, recorder)
      return scope.answer(given({ ...cached, value }), { ...describe, tier: 'result' })
    }
    // Shared work ends with its last waiter, not with the deadline of the first.
    const work = async (signal: AbortSignal): Promise<Outcome> =>
      parts.admission.run(
        options.caller,
        async () => deepFreeze(await compute(parts, task, { ...scope, signal, deadlineMs: Infinity })),
        { signal },
      )
    const isForOne = recorder !== null && operation.items !== undefined
    const forOne = (): Promise<Outcome> => parts.admission.run(options.caller, () => compute(parts, task, scope), scope)
    const outcome = isForOne ? await forOne() : await parts.flights.run(key, work, scope)
    if (outcome.provided !== null) countUse(parts, repository, asked, outcome.provided)
    if (operation.isPure && !isForOne) parts.results.set(key, outcome)
    return scope.answer(given(outcome), { ...describe, tier: outcome.provided?.plan.tier ?? 'image' })
  }
  return bracketRequest({ ...common, operation: name, effect: operation.effect }, options, (scope) =>
    withSecondTry(
      common.maxStalenessMs,
      (maxStalenessMs) => serve(scope, maxStalenessMs),
      () => recorder === null || recorder.itemCount === 0,
    ),
  )
}

function given({ value, provided, warnings }: Outcome) {
  return { value, work: workOf(provided), warnings }
}
