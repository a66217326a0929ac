/** Work shared by all who ask for the same key while it runs. */
export interface SingleFlight<Value> {
  /**
   * Joins the work under way for `key` or starts it. The work's signal aborts only when its last waiter has left;
   * that last waiter stays until the work has unwound, so that nothing outlives its callers.
   */
  run(key: string, work: (signal: AbortSignal) => Promise<Value>, options: { signal: AbortSignal }): Promise<Value>
  /** Keys that have work under way. */
  readonly size: number
}

interface Flight<Value> {
  readonly controller: AbortController
  readonly result: Promise<Value>
  /** Fulfils when the work has ended in whatever way. */
  readonly ended: Promise<void>
  waiters: number
}

/** At most one piece of work per key runs at any time, aborted ones that still unwind included. */
export function singleFlight<Value>(): SingleFlight<Value> {
  const flights = new Map<string, Flight<Value>>()

  function start(key: string, work: (signal: AbortSignal) => Promise<Value>): Flight<Value> {
    const controller = new AbortController()
    const result = workAfter(flights.get(key)?.ended, work, controller.signal)
    const forget = (): void => {
      if (flights.get(key) === flight) flights.delete(key)
    }
    const flight: Flight<Value> = { controller, result, ended: result.then(forget, forget), waiters: 0 }
    flights.set(key, flight)
    return flight
  }

  return {
    async run(key, work, { signal }) {
      signal.throwIfAborted()
      const known = flights.get(key)
      const flight = known === undefined || known.controller.signal.aborted ? start(key, work) : known
      return await wait(flight, signal)
    },
    get size() {
      return flights.size
    },
  }
}

async function workAfter<Value>(
  previous: Promise<void> | undefined,
  work: (signal: AbortSignal) => Promise<Value>,
  signal: AbortSignal,
): Promise<Value> {
  if (previous !== undefined) await previous
  signal.throwIfAborted()
  return await work(signal)
}

async function wait<Value>(flight: Flight<Value>, signal: AbortSignal): Promise<Value> {
  const leaving = Promise.withResolvers<void>()
  const leave = (): void => leaving.resolve()
  signal.addEventListener('abort', leave, { once: true })
  flight.waiters += 1
  try {
    await Promise.race([leaving.promise, flight.ended])
    if (!signal.aborted) return await flight.result
  } finally {
    signal.removeEventListener('abort', leave)
    flight.waiters -= 1
  }
  if (flight.waiters === 0) {
    flight.controller.abort(signal.reason)
    await flight.ended
  }
  throw signal.reason
}
