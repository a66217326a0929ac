/** Where time comes from, so that tests can own it. */
export interface Clock {
  /** Milliseconds since the epoch; may jump when the host's clock is set. */
  now(): number
  /** Milliseconds that only ever grow; for durations. */
  monotonic(): number
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }
