import { catalog } from '../core/errors.ts'
import { onSpan, type Span } from '../core/spans.ts'
import { NONE, OTHER, type Outcome } from './definitions.ts'
import type { HeavyHitters } from './heavy-hitters.ts'
import type { Instruments } from './instruments.ts'

export interface Observing {
  readonly instruments: Instruments
  readonly repositories: HeavyHitters
}

/** Counts every span that ends, from now until the returned function is called. */
export function observeSpans(observing: Observing): () => void {
  return onSpan(
    (span) => record(observing, span),
    () => observing.instruments.add('unrecorded', {}),
  )
}

function record({ instruments, repositories }: Observing, span: Span): void {
  const { name: work, attributes, ms } = span
  const { operation = NONE, effect = NONE, tier = NONE, subcommand = NONE, bytes = 0, count = 0 } = attributes
  const outcome = outcomeOf(span.outcome)
  if (span.outcome !== 'ok') instruments.add('failures', { work, code: span.outcome })
  if (work === 'git') return instruments.observe('gitSeconds', { subcommand, outcome }, ms / 1000)
  if (work !== 'operation') instruments.observe('workSeconds', { work, outcome }, ms / 1000)
  if (work === 'build') instruments.add('builds', { tier, outcome })
  if (work === 'evict' && count > 0) instruments.add('evictions', {}, count)
  if (work === 'take' && attributes.isWarm !== undefined)
    instruments.add('poolTakes', { found: attributes.isWarm ? 'hit' : 'miss' })
  if (work === 'discard') instruments.add('poolWastedSeconds', {}, (attributes.idleMs ?? 0) / 1000)
  if (work === 'fetch' && bytes > 0) instruments.add('fetchedBytes', {}, bytes)
  if (work !== 'operation') return
  instruments.add('operations', { operation, effect, tier, outcome })
  instruments.observe('operationSeconds', { operation, tier }, ms / 1000)
  if (attributes.repo === undefined) return
  const repository = repositories.count(attributes.repo) ? attributes.repo : OTHER
  instruments.add('repositoryOperations', { repository })
  if (bytes > 0) instruments.add('repositoryFetchedBytes', { repository }, bytes)
}

/** What is the caller's is refused, what is ours or the upstream's has failed. */
export function outcomeOf(outcome: Span['outcome']): Outcome {
  if (outcome === 'ok' || outcome === 'canceled') return outcome
  return catalog[outcome].status < 500 ? 'refused' : 'failed'
}
