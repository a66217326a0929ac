import { Refused } from './service.ts'
import { quantile, type Sample } from './sides.ts'

/** What so many workers did in a time. */
export interface Crowd {
  readonly workers: number
  readonly seconds: number
  readonly samples: readonly Sample[]
  /** How often each kind of failure was met. */
  readonly errors: Readonly<Record<string, number>>
  /** Bytes of memory over time, where somebody's was watched. */
  readonly memory: readonly number[]
}

interface CrowdOptions {
  readonly workers: number
  readonly seconds: number
  readonly signal: AbortSignal
  readonly memory: (() => number) | null
}

/** A worker's own beginning, what it does again and again, and its end. */
export interface Worker {
  start?(): Promise<void>
  turn(): Promise<void>
  end?(): Promise<void>
}

/** Lets workers do their turns side by side for a time, and counts every one of them. */
export async function measureCrowd(make: (at: number) => Worker, options: CrowdOptions): Promise<Crowd> {
  const { workers, seconds, signal, memory } = options
  const all = Array.from({ length: workers }, (_, at) => make(at))
  const samples: Sample[] = []
  const errors: Record<string, number> = {}
  const memories: number[] = []
  const failed = (error: unknown): void => {
    signal.throwIfAborted()
    const name = error instanceof Refused ? error.code : String(error)
    errors[name] = (errors[name] ?? 0) + 1
  }
  await Promise.all(all.map(async (worker) => worker.start?.().catch(failed)))
  const watching = setInterval(() => memory !== null && memories.push(memory()), 500)
  const startedAt = performance.now()
  const until = startedAt + seconds * 1000
  const work = async (worker: Worker): Promise<void> => {
    while (performance.now() < until && !signal.aborted) {
      const begun = performance.now()
      try {
        await worker.turn()
        samples.push({ ms: performance.now() - begun, bytes: null })
      } catch (error) {
        failed(error)
      }
    }
  }
  await Promise.all(all.map(work)).finally(() => clearInterval(watching))
  const took = (performance.now() - startedAt) / 1000
  await Promise.all(all.map(async (worker) => worker.end?.().catch(failed)))
  return { workers, seconds: took, samples, errors, memory: memories }
}

export const crowdHead: readonly string[] = [
  'what',
  'side',
  'clients',
  'per second',
  'p50',
  'p95',
  'p99',
  'errors',
  'memory',
]

export function crowdRow(what: string, side: string, { workers, seconds, samples, errors, memory }: Crowd): string[] {
  const sorted = samples.map(({ ms }) => ms).toSorted((a, b) => a - b)
  const ms = [0.5, 0.95, 0.99].map((share) => `${quantile(sorted, share).toFixed(1)} ms`)
  const failures = Object.entries(errors).map(([name, count]) => `${count} ${name}`)
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0)
  const [first = 0, last = 0] = [memory[0], memory.at(-1)]
  return [
    what,
    side,
    String(workers),
    (samples.length / seconds).toFixed(1),
    ...ms,
    failures.length === 0 ? 'none' : failures.join(', '),
    memory.length === 0
      ? ''
      : `${megabytes(first)} to ${megabytes(last)} MB, at most ${megabytes(Math.max(...memory))}`,
  ]
}
