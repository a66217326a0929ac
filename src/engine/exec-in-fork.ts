import { span } from '../core/spans.ts'
import { correlationId } from '../core/correlation.ts'
import type { Needs } from '../git/operation.ts'
import { openingArgv, programEnvironment } from '../workspace/opening.ts'
import { WORKSPACE } from '../workspace/place.ts'
import { sandboxLimits } from './caller.ts'
import type { Execution, Receipt, RequestOptions } from './contract.ts'
import { prepareFirstContact } from './first-contact.ts'
import { servedBy, workOf } from './outcome.ts'
import type { Parts } from './parts.ts'
import { opener } from './repositories.ts'
import { bracketRequest, type RequestScope } from './request-scope.ts'
import { openedIds } from './resolve.ts'
import { withSecondTry } from './second-try.ts'
import { countUse, holding } from './use-of-repository.ts'
import { wantedImage } from './wanted-image.ts'

/** A program may read and run every file; history beyond the tip is not promised. */
const needs: Needs = { history: 1, trees: 'tip', blobs: 'tip', worktree: 'full', refs: 'asked' }

/** Starts a program in a throw-away fork; the fork ends with it. */
export async function execInFork(parts: Parts, input: unknown, options: RequestOptions): Promise<Execution> {
  const { argv, cone, ...common } = parts.requests.exec(input)
  const endProgram = parts.programs.begin(options.caller)
  const started = Promise.withResolvers<Omit<Execution, 'receipt'>>()
  const serve = async (scope: RequestScope, maxStalenessMs: number): Promise<Receipt> => {
    const repository = await parts.repositories.open(common.repo, opener(options))
    const known = { maxStalenessMs, signal: scope.signal }
    void prepareFirstContact(parts, repository, scope.signal)
    const resolution = await parts.resolver.resolve(repository, common.ref, known)
    const wanted = wantedImage({ repository, commits: openedIds(resolution), needs, cone })
    return holding(parts, repository, async () => {
      const provided = await parts.admission.run(options.caller, () => parts.images.provide(wanted, scope), scope)
      countUse(parts, repository, common.ref, provided)
      const spec = {
        image: provided.image,
        upper: 'memory',
        network: 'none',
        limits: sandboxLimits(parts.limits, options.caller),
        metadata: { role: 'run' },
      } as const
      const { sandbox, isWarm } = await parts.pool.take(spec, scope)
      const tier = servedBy(provided, isWarm)
      const facts = { repository, ref: common.ref, resolution, driver: parts.driver.name, tier }
      const warnings = [...sandbox.warnings, ...provided.warnings]
      try {
        const running = sandbox.exec({
          argv: openingArgv(resolution, provided.plan.result.tips, argv),
          cwd: WORKSPACE,
          env: programEnvironment(correlationId() ?? ''),
          signal: scope.signal,
          deadlineMs: scope.deadlineMs,
          maxOutputBytes: Number.MAX_SAFE_INTEGER,
        })
        started.resolve({ running, known: { ...scope.known(facts), tier } })
        await span('exec', { driver: parts.driver.name }, () => running.exit)
      } finally {
        await sandbox.destroy()
      }
      return scope.answer({ value: null, work: workOf(provided), warnings }, facts).receipt
    })
  }
  const receipt = bracketRequest({ ...common, operation: 'exec' }, options, (scope) =>
    withSecondTry(common.maxStalenessMs, (maxStalenessMs) => serve(scope, maxStalenessMs)),
  )
  receipt.catch((error: unknown) => started.reject(error)).finally(endProgram)
  return { ...(await started.promise), receipt }
}
