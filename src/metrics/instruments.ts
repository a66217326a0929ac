import { Counter, Gauge, Histogram, type Registry } from '@prometheus-io/client'
import {
  definitions,
  labelValues,
  NONE,
  OTHER,
  type GivenValues,
  type KeyOf,
  type LabelName,
  type LabelsOf,
  type MetricKey,
} from './definitions.ts'

/** Every declared metric, ready to be counted with; a value that was not declared becomes `other`. */
export interface Instruments {
  add<Key extends KeyOf<'counter'>>(key: Key, labels: LabelsOf<Key>, value?: number): void
  observe<Key extends KeyOf<'histogram'>>(key: Key, labels: LabelsOf<Key>, value: number): void
  set(key: KeyOf<'gauge'>, value: number): void
  change(key: KeyOf<'gauge'>, by: number): void
  /** Ends a series whose label value is told apart no longer. */
  remove<Key extends KeyOf<'counter'>>(key: Key, labels: LabelsOf<Key>): void
}

type Labels = Readonly<Record<string, string>>

/** Makes the instruments on a registry of their own. */
export function instruments(registry: Registry, given: GivenValues): Instruments {
  const counters = new Map<MetricKey, Counter<string>>()
  const gauges = new Map<MetricKey, Gauge<string>>()
  const histograms = new Map<MetricKey, Histogram<string>>()
  for (const [key, { type, name, help, labels: labelNames, ...more }] of Object.entries(definitions)) {
    const form = { name, help, labelNames: [...labelNames], registers: [registry] }
    if (type === 'counter') counters.set(key as MetricKey, new Counter(form))
    else if (type === 'gauge') gauges.set(key as MetricKey, new Gauge(form))
    else
      histograms.set(
        key as MetricKey,
        new Histogram({ ...form, ...('buckets' in more ? { buckets: [...more.buckets] } : {}) }),
      )
  }
  const declared = Object.entries(labelValues(given)).flatMap(([name, values]) =>
    values === null ? [] : [[name as LabelName, new Set([...values, NONE])] as const],
  )
  const closed = new Map(declared)

  function bounded(labels: Labels): Labels {
    const isFine = Object.entries(labels).every(([name, value]) => closed.get(name as LabelName)?.has(value) !== false)
    if (isFine) return labels
    return Object.fromEntries(
      Object.entries(labels).map(([name, value]) => [
        name,
        closed.get(name as LabelName)?.has(value) === false ? OTHER : value,
      ]),
    )
  }

  return {
    add: (key, labels, value = 1) => counters.get(key)?.inc(bounded(labels), value),
    observe: (key, labels, value) => histograms.get(key)?.observe(bounded(labels), value),
    set: (key, value) => gauges.get(key)?.set(value),
    change: (key, by) => gauges.get(key)?.inc(by),
    remove: (key, labels) => counters.get(key)?.remove(labels),
  }
}
