import type { Sandbox, SandboxDriver, SandboxSpec } from '../../src/sandbox/contract.ts'

/** What the cases of the suite use; the driver exists once the tests run. */
export interface DriverCases {
  readonly driver: () => SandboxDriver
  readonly reopen: () => Promise<SandboxDriver>
  readonly processes: () => readonly number[]
  /** A sandbox that is destroyed after the tests, if not before. */
  readonly create: (spec?: Partial<SandboxSpec>) => Promise<Sandbox>
}
