import type { TestContext } from 'node:test'
import type { Sandbox, SandboxDriver, SandboxRecord, SandboxSpec, Spare } from '../../src/sandbox/contract.ts'
import { pool, type Pool } from '../../src/workspace/pool.ts'
import type { PoolRules } from '../../src/workspace/pool-size.ts'
import { enterableFolder, openDriver, shell, specOf } from './local-sandboxes.ts'

const signal = new AbortController().signal

/** A pool on a driver of its own, with one image and a clock that only the test moves. */
export interface PoolGround {
  readonly pool: Pool
  readonly driver: SandboxDriver
  readonly stateDir: string
  /** All that were made before they were asked for, the oldest first. */
  readonly spares: readonly Spare[]
  /** Lets so many milliseconds pass, and what is due happen. */
  readonly pass: (ms: number) => void
  readonly take: (spec: SandboxSpec) => Promise<{ readonly sandbox: Sandbox; readonly isWarm: boolean }>
  /** What the driver has noted of its sandboxes. */
  readonly records: () => Promise<readonly SandboxRecord[]>
  /** Waits until at least so many sandboxes wait. */
  readonly untilWaiting: (count: number) => Promise<void>
}

/** A fork of the image that the ground makes. */
export const forkOfImage = specOf({ image: 'img_pooled', upper: 'memory', metadata: { role: 'workspace' } })
export const blank = specOf({ metadata: { role: 'builder' } })

export async function poolGround(t: TestContext, rules: Partial<PoolRules> = {}): Promise<PoolGround> {
  const stateDir = `${enterableFolder()}/state`
  const real = await openDriver(stateDir)
  const spares: Spare[] = []
  const driver: SandboxDriver = {
    ...real,
    async createSpare(spec, options) {
      const spare = await real.createSpare(spec, options)
      spares.push(spare)
      return spare
    },
  }
  const builder = await driver.create(specOf(), { signal })
  await shell(builder, 'echo of the image >file')
  await driver.freeze(builder, 'img_pooled')
  let now = 0
  t.mock.timers.enable({ apis: ['setInterval'] })
  const made = pool({
    driver,
    rules: { base: 3, maxEach: 8, maxAll: 16, maxAgeMs: 60_000, ...rules },
    clock: { now: () => now, monotonic: () => now },
  })
  t.after(async () => {
    await made.close()
    await driver.close()
  })
  return {
    pool: made,
    driver,
    stateDir,
    spares,
    pass(ms) {
      now += ms
      t.mock.timers.tick(ms)
    },
    take: (spec) => made.take(spec, { signal }),
    async records() {
      const records: SandboxRecord[] = []
      for await (const record of driver.sandboxes()) records.push(record)
      return records
    },
    async untilWaiting(count) {
      while (made.figures.waiting < count) await new Promise((resolve) => setImmediate(resolve))
    },
  }
}
