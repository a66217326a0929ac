/** One way of doing a thing, measured against others; `run` gives what is counted, the rest is not. */
export interface Side {
  readonly name: string
  prepare?(): Promise<void>
  run(): Promise<Sample>
  clean?(): Promise<void>
}

export interface Sample {
  readonly ms: number
  /** Disk taken, where that is asked. */
  readonly bytes: number | null
}

export interface Measured {
  readonly name: string
  readonly samples: readonly Sample[]
}

/** Milliseconds of all rounds in short. */
export interface Summary {
  readonly p50: number
  readonly p95: number
  readonly min: number
  readonly max: number
}

/** Runs all sides once a round, in turning order, so that no side always profits from what another left warm. */
export async function measureInTurns(
  sides: readonly Side[],
  { rounds, signal }: { readonly rounds: number; readonly signal: AbortSignal },
): Promise<readonly Measured[]> {
  const samples = sides.map((): Sample[] => [])
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? [...sides.entries()] : [...sides.entries()].toReversed()
    for (const [index, side] of order) {
      signal.throwIfAborted()
      try {
        await side.prepare?.()
        samples[index]?.push(await side.run())
      } finally {
        await side.clean?.()
      }
    }
  }
  return sides.map(({ name }, index) => ({ name, samples: samples[index] ?? [] }))
}

/** Median, 95th percentile and the ends of the milliseconds. */
export function summarise(samples: readonly Sample[]): Summary {
  const sorted = samples.map(({ ms }) => ms).toSorted((a, b) => a - b)
  return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0 }
}

/** The side with the smallest median. */
export function fastest(measured: readonly Measured[]): Measured {
  const [first, ...others] = measured
  if (first === undefined) throw new Error('Cannot compare: there are no sides')
  const p50 = (one: Measured): number => summarise(one.samples).p50
  return others.reduce((best, one) => (p50(one) < p50(best) ? one : best), first)
}

/** The value below which a share of sorted values lies. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share
  const [low, high] = [sorted[Math.floor(at)] ?? 0, sorted[Math.ceil(at)] ?? 0]
  return low + (high - low) * (at - Math.floor(at))
}
