import { correlationId, newCorrelationId, withCorrelation } from '../core/correlation.ts'
import { withDeadline } from '../core/deadline.ts'
import { withShortage } from '../core/errors.ts'
import { collectPhases, span } from '../core/spans.ts'
import type { Effect } from '../git/operation.ts'
import type { BringOptions } from '../workspace/upstream.ts'
import { stepText } from '../workspace/step-text.ts'
import type { Answer, Receipt, RequestOptions, Tier } from './contract.ts'
import type { Repository } from './repositories.ts'
import type { Resolution } from './resolve.ts'
import type { Work } from './outcome.ts'

/** What a request carries through the house: its end, its time and its receipt. */
export interface RequestScope extends BringOptions {
  /** What the receipt will say, as far as it is known before the work is done. */
  known(facts: Omit<ReceiptFacts, 'tier'>): Partial<Receipt>
  answer<Value>(given: Given<Value>, facts: ReceiptFacts): Answer<Value>
}

interface Given<Value> {
  readonly value: Value
  readonly work: Work
  readonly warnings: readonly string[]
}

export interface ReceiptFacts {
  readonly repository: Repository
  readonly ref: string
  /** `null` where refs alone gave the answer. */
  readonly resolution: Resolution | null
  readonly driver: string
  readonly tier: Tier
}

/** What is asked for beside the operations of the registry. */
export const requestNames = ['open', 'exec', 'files', 'fork', 'extend', 'warm', 'explain'] as const

/** What a request is called in metrics and logs, and its time. */
export interface RequestFrame {
  readonly operation: string
  readonly effect?: Effect
  readonly deadlineMs: number
}

/** Brackets a request: one correlation id, one deadline, one list of phases. */
export function bracketRequest<T>(
  { operation, effect, deadlineMs }: RequestFrame,
  { signal: callersSignal, onProgress = () => {}, caller }: RequestOptions,
  use: (scope: RequestScope) => Promise<T>,
): Promise<T> {
  return withCorrelation(correlationId() ?? newCorrelationId(), () =>
    collectPhases((phases) =>
      withDeadline(deadlineMs, callersSignal, (signal) => {
        const tenant = caller === undefined ? {} : { tenant: caller.tenant }
        const about = { operation, phases, ...tenant, ...(effect === undefined ? {} : { effect }) }
        return span('operation', about, (tell) => {
          const known = (facts: Omit<ReceiptFacts, 'tier'>) => ({
            repo: facts.repository.key,
            ref: facts.resolution?.ref ?? facts.ref,
            commit: facts.resolution?.commit ?? '',
            stalenessMs: facts.resolution?.stalenessMs ?? 0,
            driver: facts.driver,
            correlationId: correlationId() ?? '',
          })
          const answer: RequestScope['answer'] = ({ value, work, warnings }, facts) => {
            const receipt: Receipt = {
              ...known(facts),
              history: work.history,
              tier: facts.tier,
              plan: facts.tier === 'result' ? [] : work.steps.map(stepText),
              bytesFetched: facts.tier === 'result' ? 0 : work.bytesFetched,
              phases: phases(),
              warnings,
            }
            tell({ tier: receipt.tier, repo: receipt.repo, bytes: receipt.bytesFetched })
            return { value, receipt }
          }
          return use({ signal, deadlineMs, onProgress, known, answer }).catch((error: unknown) => {
            throw withShortage(error)
          })
        })
      }),
    ),
  )
}
