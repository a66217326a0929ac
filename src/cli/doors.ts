import type { Engine } from '../engine/contract.ts'
import type { HostReport } from '../sandbox/host-report.ts'

/** What the command line may open; each is loaded only when a command asks for it. */
export interface Doors {
  engine(): Promise<Engine>
  service(): Promise<Service>
  /** The engine of a service that runs elsewhere. */
  server(): Promise<Engine>
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

/** The engine as others reach it. */
export interface Service {
  /** Resolves with the address it can be reached at. */
  listen(address: { readonly host: string; readonly port: number }): Promise<string>
  /** Takes nothing new, lets what is under way come to its end, and ends every workspace. */
  close(): Promise<void>
}
