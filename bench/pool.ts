import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { Composed } from '../src/compose.ts'
import { systemClock } from '../src/core/clock.ts'
import type { Sandbox, SandboxSpec } from '../src/sandbox/contract.ts'
import { pool, type Pool } from '../src/workspace/pool.ts'
import { withComposed } from './measure/composed.ts'
import { withGround } from './measure/ground.ts'
import { completeOptions, type BenchOptions } from './measure/options.ts'
import { comparisonHead, comparisonRows, saveResults, textTable } from './measure/report.ts'
import { withScratch } from './measure/scratch.ts'
import { measureInTurns, type Measured, type Sample, type Side } from './measure/sides.ts'

const waiting = 3
const burst = 20
const rules = { base: waiting, maxEach: waiting, maxAll: 2 * waiting, maxAgeMs: 600_000 }

/** A sandbox from a pool against one that is made when it is asked for, and a burst on a pool that is far smaller. */
export async function run(options: BenchOptions): Promise<void> {
  const complete = completeOptions(options, { rounds: 40 })
  const { print, rounds, signal } = complete
  await withGround(['files-20k'], complete, (ground) =>
    withScratch((scratch) =>
      withComposed({ stateDir: join(scratch, 'state'), host: ground.host }, async (composed) => {
        const image = (await composed.engine.warm({ repo: ground.url('files-20k') }, { signal })).value.id
        const kinds = { 'fork of an image': specOf(composed, image), 'blank sandbox': specOf(composed, null) }
        const results: Record<string, unknown> = {}
        const rows: (readonly string[])[] = []
        for (const [kind, spec] of Object.entries(kinds)) {
          const made = pool({ driver: composed.driver, rules, clock: systemClock })
          try {
            // A fork of an image is kept ready from the second question on.
            for (let count = 0; count < 2; count += 1) await (await made.take(spec, { signal })).sandbox.destroy()
            const sides = [createSide(composed, spec, signal), takeSide(made, spec, signal)]
            const measured = await measureInTurns(sides, { rounds, signal })
            rows.push(...comparisonRows(kind, measured, 'driver.create'))
            const bursts = await measureBursts(made, spec, { rounds: Math.ceil(rounds / 4), signal })
            rows.push(...comparisonRows(`${kind}, ${burst} at once on ${waiting}`, bursts, 'all are served'))
            results[kind] = [...measured, ...bursts]
          } finally {
            await made.close()
          }
        }
        await print(textTable([comparisonHead, ...rows]))
        await print(`samples: ${await saveResults('pool', results)}\n`)
      }),
    ),
  )
}

/** Small quotas, so that all memory uppers fit the bound on their sum. */
function specOf({ limits }: Composed, image: string | null): SandboxSpec {
  return {
    image,
    upper: image === null ? 'disk' : 'memory',
    network: 'none',
    limits: { ...limits, diskBytes: 4 * 1024 * 1024 },
    metadata: { role: 'bench' },
  }
}

function createSide({ driver }: Composed, spec: SandboxSpec, signal: AbortSignal): Side {
  let sandbox: Sandbox | null = null
  return {
    name: 'driver.create',
    async run() {
      const startedAt = performance.now()
      sandbox = await driver.create(spec, { signal })
      return { ms: performance.now() - startedAt, bytes: null }
    },
    clean: async () => sandbox?.destroy(),
  }
}

function takeSide(made: Pool, spec: SandboxSpec, signal: AbortSignal): Side {
  let sandbox: Sandbox | null = null
  return {
    name: 'from the pool',
    prepare: () => untilFull(made, signal),
    async run() {
      const startedAt = performance.now()
      const taken = await made.take(spec, { signal })
      const ms = performance.now() - startedAt
      sandbox = taken.sandbox
      if (!taken.isWarm) throw new Error('Cannot measure: nothing waited')
      return { ms, bytes: null }
    },
    clean: async () => sandbox?.destroy(),
  }
}

/** Bursts: until all are served, and until as many wait again as before; both from the beginning. */
async function measureBursts(
  made: Pool,
  spec: SandboxSpec,
  { rounds, signal }: { readonly rounds: number; readonly signal: AbortSignal },
): Promise<readonly Measured[]> {
  const [served, full]: [Sample[], Sample[]] = [[], []]
  for (let round = 0; round < rounds; round += 1) {
    await untilFull(made, signal)
    const startedAt = performance.now()
    const taken = await Promise.all(Array.from({ length: burst }, () => made.take(spec, { signal })))
    served.push({ ms: performance.now() - startedAt, bytes: null })
    await untilFull(made, signal)
    full.push({ ms: performance.now() - startedAt, bytes: null })
    if (new Set(taken.map(({ sandbox }) => sandbox.id)).size !== burst)
      throw new Error('Cannot measure: not everybody got a sandbox of their own')
    await Promise.all(taken.map(({ sandbox }) => sandbox.destroy()))
  }
  return [
    { name: 'all are served', samples: served },
    { name: 'the pool is full', samples: full },
  ]
}

async function untilFull(made: Pool, signal: AbortSignal): Promise<void> {
  while (made.figures.waiting < waiting) {
    signal.throwIfAborted()
    await turn()
  }
}
