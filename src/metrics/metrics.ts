import { collectDefaultMetrics, Registry } from '@prometheus-io/client'
import { systemClock } from '../core/clock.ts'
import { figures, type Figures, type GivenValues } from './definitions.ts'
import { heavyHitters } from './heavy-hitters.ts'
import { instruments, type Instruments } from './instruments.ts'
import { observeSpans } from './observe.ts'

/** What a service measures. */
export interface Metrics {
  /** For what is no span: requests and streams of a door. */
  readonly instruments: Instruments
  /** Everything as Prometheus reads it. */
  exposition(): Promise<{ readonly contentType: string; readonly text: string }>
  /** Counts no more. */
  close(): void
}

export interface MetricsSettings {
  readonly given: GivenValues
  /** Looked up when somebody asks. */
  readonly figures: () => Promise<Figures>
}

/** Repositories that are told apart, and those that are counted to find them. */
const REPOSITORIES = { chosen: 20, counted: 200, electionMs: 600_000 }

/** Starts to measure: on a registry of its own, so that nobody else's metrics mix in. */
export function metrics({ given, figures: lookUp }: MetricsSettings): Metrics {
  const registry = new Registry()
  const made = instruments(registry, given)
  const repositories = heavyHitters({
    ...REPOSITORIES,
    clock: systemClock,
    onDropped(repository) {
      made.remove('repositoryOperations', { repository })
      made.remove('repositoryFetchedBytes', { repository })
    },
  })
  collectDefaultMetrics({ register: registry })
  const close = observeSpans({ instruments: made, repositories })
  return {
    instruments: made,
    async exposition() {
      try {
        const found = await lookUp()
        for (const figure of figures) made.set(figure, found[figure])
      } catch {
        // The others are worth telling all the same.
        made.add('unrecorded', {})
      }
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
    close,
  }
}
