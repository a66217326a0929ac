import { after, before, describe } from 'node:test'
import type { SandboxDriver } from '../../src/sandbox/contract.ts'
import type { DriverCases } from './driver-cases.ts'
import { commandCases } from './driver-command-cases.ts'
import { endingCases } from './driver-ending-cases.ts'
import { forkCases } from './driver-fork-cases.ts'
import { forkEndingCases } from './driver-fork-ending-cases.ts'
import { imageCases } from './driver-image-cases.ts'
import { spareCases } from './driver-spare-cases.ts'
import { specOf } from './local-sandboxes.ts'

/** A driver under test, and a way to open another one on the same place, as a later process would. */
export interface DriverUnderTest {
  readonly driver: SandboxDriver
  reopen(): Promise<SandboxDriver>
  /** Processes on this host that are in its sandboxes, by their ids. */
  processes(): readonly number[]
  close(): Promise<void>
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
      processes: () => made.processes(),
      create: (spec = {}) => made.driver.create(specOf(spec), { signal }),
    }
    commandCases(cases)
    endingCases(cases)
    imageCases(cases)
    forkCases(cases)
    forkEndingCases(cases)
    spareCases(cases)
  })
}
