import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Composed } from '../src/compose.ts'
import type { Sandbox, Upper } from '../src/sandbox/contract.ts'
import type { PresetName } from './generate/generate.ts'
import { withComposed } from './measure/composed.ts'
import { withGround } from './measure/ground.ts'
import { completeOptions, type BenchOptions } from './measure/options.ts'
import { timeProcess } from './measure/process.ts'
import { comparisonHead, comparisonRows, saveResults, textTable } from './measure/report.ts'
import { diskBytes, withScratch } from './measure/scratch.ts'
import { measureInTurns, type Side } from './measure/sides.ts'

const uppers: readonly Upper[] = ['memory', 'disk']
const crowds = [100, 1000] as const
const AT_ONCE = 4

/** A fork of a golden image against a shallow clone, and how many forks can live at once. */
export async function run(options: BenchOptions): Promise<void> {
  const complete = completeOptions(options, { rounds: 40 })
  const { print, rounds, signal } = complete
  const names: readonly PresetName[] = ['files-1k', 'files-20k', 'files-80k']
  const results: Record<string, unknown> = {}
  await withGround(names, complete, (ground) =>
    withScratch((scratch) =>
      withComposed({ stateDir: join(scratch, 'state'), host: ground.host }, async (composed) => {
        for (const name of names) {
          const image = (await composed.engine.warm({ repo: ground.url(name) }, { signal })).value.id
          const forks = await measureInTurns(
            uppers.map((upper) => forkSide(composed, image, upper, signal)),
            { rounds, signal },
          )
          const clone = await measureInTurns([cloneSide(ground.url(name), join(scratch, 'clone'), signal)], {
            rounds: 3,
            signal,
          })
          results[name] = [...clone, ...forks]
          await print(
            `${textTable([comparisonHead, ...comparisonRows(name, [...clone, ...forks], 'git clone --depth=1')])}\n`,
          )
          if (name === 'files-80k') {
            for (const upper of uppers)
              for (const count of crowds) await print(await crowd(composed, image, upper, count, scratch, signal))
          }
        }
      }),
    ),
  )
  await print(`samples: ${await saveResults('fork', results)}\n`)
}

function forkSide({ driver, limits }: Composed, image: string, upper: Upper, signal: AbortSignal): Side {
  let fork: Sandbox | null = null
  return {
    name: `fork, ${upper} upper`,
    async run() {
      const startedAt = performance.now()
      fork = await driver.create(spec(image, upper, limits), { signal })
      return { ms: performance.now() - startedAt, bytes: null }
    },
    async clean() {
      await fork?.destroy()
      fork = null
    },
  }
}

function cloneSide(url: string, target: string, signal: AbortSignal): Side {
  const remove = async (): Promise<void> => rmSync(target, { recursive: true, force: true })
  return {
    name: 'git clone --depth=1',
    prepare: remove,
    run: async () => ({
      ms: await timeProcess(['git', 'clone', '--quiet', '--depth=1', url, target], { signal }),
      bytes: await diskBytes(target),
    }),
    clean: remove,
  }
}

/** Many forks alive together: time for all, memory and disk of each. */
async function crowd(
  { driver, limits }: Composed,
  image: string,
  upper: Upper,
  count: number,
  scratch: string,
  signal: AbortSignal,
): Promise<string> {
  const [memoryBefore, diskBefore] = [availableMemory(), await diskBytes(scratch)]
  const forks: Sandbox[] = []
  const startedAt = performance.now()
  const worker = async (): Promise<void> => {
    while (forks.length + waiting < count) {
      waiting += 1
      const fork = await driver.create(spec(image, upper, limits), { signal })
      waiting -= 1
      forks.push(fork)
    }
  }
  let waiting = 0
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const seconds = (performance.now() - startedAt) / 1000
  const [memoryAfter, diskAfter] = [availableMemory(), await diskBytes(scratch)]
  const endedAt = performance.now()
  await Promise.all(forks.map((fork) => fork.destroy()))
  const destroyed = (performance.now() - endedAt) / 1000
  const each = (bytes: number): string => `${(bytes / count / 1e6).toFixed(2)} MB`
  return `${count} alive, ${upper} upper: ${seconds.toFixed(1)} s, ${each(memoryBefore - memoryAfter)} of memory and ${each(diskAfter - diskBefore)} of disk each; destroyed in ${destroyed.toFixed(1)} s\n`
}

/** Small quotas, so that a thousand memory uppers fit the bound on their sum. */
function spec(image: string, upper: Upper, limits: Composed['limits']) {
  return {
    image,
    upper,
    network: 'none',
    limits: { ...limits, diskBytes: 4 * 1024 * 1024 },
    metadata: { role: 'bench' },
  } as const
}

function availableMemory(): number {
  return Number(/^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024
}
