import type { Engine } from '../engine/contract.ts'
import type { HostReport } from '../sandbox/host-report.ts'

/** What the command line may open; each is loaded only when a command asks for it. */
export interface Doors {
  engine(): Promise<Engine>
  probeHost(options: { signal: AbortSignal }): Promise<HostReport>
  /** The benchmark scenarios of this checkout. */
  benchmarks(): Promise<readonly Benchmark[]>
  version(): Promise<string>
  /** Value of an Authorization header for the upstream, from the environment. */
  readonly gitAuthorization: string | undefined
}

/** One scenario of bench/. */
export interface Benchmark {
  readonly name: string
  run(options: { signal: AbortSignal; print: (text: string) => Promise<void> }): Promise<void>
}
