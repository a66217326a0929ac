import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What every scenario's `run` is given; the CLI gives the first two. */
export interface BenchOptions {
  readonly signal: AbortSignal
  readonly print: (text: string) => Promise<void>
  /** How often each side runs; FORKYARD_BENCH_ROUNDS where it is not given. */
  readonly rounds?: number
  /** How many clients there are at once, one number after the other; FORKYARD_BENCH_CLIENTS where it is not given. */
  readonly clients?: readonly number[]
  /** Where generated repositories are kept; FORKYARD_BENCH_DIR where it is not given. */
  readonly directory?: string
}

/** The options with what the environment or the scenario says in place of what is missing. */
export function completeOptions(options: BenchOptions, defaults: { readonly rounds: number }): Required<BenchOptions> {
  const { FORKYARD_BENCH_ROUNDS: rounds, FORKYARD_BENCH_DIR: directory, FORKYARD_BENCH_CLIENTS: clients } = process.env
  return {
    signal: options.signal,
    print: options.print,
    rounds: options.rounds ?? (rounds === undefined ? defaults.rounds : Number.parseInt(rounds, 10)),
    clients: options.clients ?? (clients === undefined ? [1, 8, 64, 256] : clients.split(',').map(Number)),
    directory: options.directory ?? directory ?? join(tmpdir(), 'forkyard-bench'),
  }
}
