import { onSpan } from '../core/spans.ts'

/** Times of making sandboxes that are remembered, and those without which they say nothing. */
const MAX_TIMES = 200
const FEW_TIMES = 5

/** Remembers how long sandboxes took to make, until it is closed. */
export function creationTimes(): { medianMs(): number | null; close(): void } {
  const times: number[] = []
  const stop = onSpan(({ name, outcome, attributes, ms }) => {
    // Forks of live sandboxes, which have a count, take as long as what is copied.
    if (name !== 'fork' || outcome !== 'ok' || attributes.count !== undefined) return
    times.push(ms)
    if (times.length > MAX_TIMES) times.shift()
  })
  return {
    medianMs: () => (times.length < FEW_TIMES ? null : (times.toSorted((a, b) => a - b)[times.length >> 1] ?? null)),
    close: stop,
  }
}
