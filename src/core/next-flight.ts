import { semaphore, type Semaphore } from './semaphore.ts'
import { singleFlight } from './single-flight.ts'

/** Work shared by all who ask for the same key before it begins: its answer is never older than their question. */
export interface NextFlight<Value> {
  /** Joins the work that waits for its turn at `key`, or adds it. */
  run(key: string, work: (signal: AbortSignal) => Promise<Value>, options: { signal: AbortSignal }): Promise<Value>
}

interface Lane {
  readonly gate: Semaphore
  /** Which piece of work those who come now belong to. */
  turn: number
  callers: number
}

/** At most `permits` pieces of work per key run at any time, and one waits for all the others. */
export function nextFlight<Value>({ permits }: { readonly permits: number }): NextFlight<Value> {
  const flights = singleFlight<Value>()
  const lanes = new Map<string, Lane>()

  function laneOf(key: string): Lane {
    const known = lanes.get(key)
    if (known !== undefined) return known
    const gate = semaphore({ name: 'a question', permits, maxWaiting: Number.MAX_SAFE_INTEGER })
    const lane = { gate, turn: 0, callers: 0 }
    lanes.set(key, lane)
    return lane
  }

  return {
    async run(key, work, options) {
      const lane = laneOf(key)
      const fly = (signal: AbortSignal): Promise<Value> =>
        lane.gate.run(
          () => {
            // From here on who comes may have come too late: there is a next turn for them.
            lane.turn += 1
            return work(signal)
          },
          { signal },
        )
      lane.callers += 1
      try {
        return await flights.run(JSON.stringify([key, lane.turn]), fly, options)
      } finally {
        lane.callers -= 1
        if (lane.callers === 0) lanes.delete(key)
      }
    },
  }
}
