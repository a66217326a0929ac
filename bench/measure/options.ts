import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What every scenario's `run` is given; the CLI gives the first two. */
export interface BenchOptions {
  readonly signal: AbortSignal
  readonly print: (text: string) => Promise<void>
  /** How often each side runs; FORKYARD_BENCH_ROUNDS where it is not given. */
  readonly rounds?: number
  /** Where generated repositories are kept; FORKYARD_BENCH_DIR where it is not given. */
  readonly directory?: string
}

/** The options with what the environment or the scenario says in place of what is missing. */
export function completeOptions(options: BenchOptions, defaults: { readonly rounds: number }): Required<BenchOptions> {
  const { FORKYARD_BENCH_ROUNDS: rounds, FORKYARD_BENCH_DIR: directory } = process.env
  return {
    signal: options.signal,
    print: options.print,
    rounds: options.rounds ?? (rounds === undefined ? defaults.rounds : Number.parseInt(rounds, 10)),
    directory: options.directory ?? directory ?? join(tmpdir(), 'forkyard-bench'),
  }
}
