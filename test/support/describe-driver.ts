import { after, before, describe } from 'node:test'
import type { Sandbox, SandboxDriver, SandboxSpec } from '../../src/sandbox/contract.ts'
import { commandCases } from './driver-command-cases.ts'
import { endingCases } from './driver-ending-cases.ts'
import { imageCases } from './driver-image-cases.ts'
import { specOf } from './local-sandboxes.ts'

/** A driver under test, and a way to open another one on the same place, as a later process would. */
export interface DriverUnderTest {
  readonly driver: SandboxDriver
  reopen(): Promise<SandboxDriver>
  close(): Promise<void>
}

/** What the cases of the suite use; the driver exists once the tests run. */
export interface DriverCases {
  readonly driver: () => SandboxDriver
  readonly reopen: () => Promise<SandboxDriver>
  /** A sandbox that is destroyed after the tests, if not before. */
  readonly create: (spec?: Partial<SandboxSpec>) => Promise<Sandbox>
}

const signal = new AbortController().signal

/** The contract of SandboxDriver: every driver must pass it. */
export function describeDriver(name: string, make: () => Promise<DriverUnderTest>): void {
  describe(`${name}, as any driver`, { concurrency: false }, () => {
    let made: DriverUnderTest
    before(async () => {
      made = await make()
    })
    after(() => made.close())
    const cases: DriverCases = {
      driver: () => made.driver,
      reopen: () => made.reopen(),
      create: (spec = {}) => made.driver.create(specOf(spec), { signal }),
    }
    commandCases(cases)
    endingCases(cases)
    imageCases(cases)
  })
}
