import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from '../src/engine/contract.ts'
import { blamedPath } from './generate/files.ts'
import { withComposed } from './measure/composed.ts'
import { withGround } from './measure/ground.ts'
import { completeOptions, type BenchOptions } from './measure/options.ts'
import { timeProcess } from './measure/process.ts'
import { comparisonHead, comparisonRows, saveResults, textTable } from './measure/report.ts'
import { withScratch } from './measure/scratch.ts'
import { measureInTurns, summarise, type Measured, type Side } from './measure/sides.ts'

interface Line {
  readonly name: string
  /** Git's arguments in a full clone made for this one command; `null` where the clone itself is the line. */
  readonly naive: readonly string[] | null
  readonly ours: (engine: Engine, repo: string) => Promise<unknown>
}

const lines: readonly Line[] = [
  {
    name: 'working copy ready',
    naive: null,
    ours: async (engine, repo) => ended(await engine.exec({ repo, argv: ['true'] })),
  },
  { name: 'status', naive: ['status', '--porcelain'], ours: (engine, repo) => engine.run('status', { repo }) },
  { name: 'log', naive: ['log', '-20'], ours: (engine, repo) => engine.run('log', { repo, limit: 20 }) },
  {
    name: 'diff',
    naive: ['diff', 'main~3', 'main'],
    ours: (engine, repo) => engine.run('diff', { repo, from: 'main~3', to: 'main' }),
  },
  {
    name: 'blame',
    naive: ['blame', '--porcelain', blamedPath],
    ours: (engine, repo) => engine.run('blame', { repo, path: blamedPath }),
  },
]

/**
 * Before and after on one repository: a new full clone for every command, against forkyard's second use of it.
 * Metrics overhead and hit rate join with the issues that build them.
 */
export async function run(options: BenchOptions): Promise<void> {
  const complete = completeOptions(options, { rounds: 3 })
  const { print, rounds, signal } = complete
  const results: Record<string, readonly Measured[]> = {}
  await withGround(['files-20k'], complete, (ground) =>
    withScratch((scratch) =>
      withComposed({ stateDir: join(scratch, 'state'), host: ground.host, resultCacheBytes: 0 }, async ({ engine }) => {
        const repo = ground.url('files-20k')
        for (const { ours } of lines) await ours(engine, repo)
        for (const line of lines) {
          const measured = await measureInTurns(
            [naiveSide(line, repo, join(scratch, 'clone'), signal), ourSide(line, engine, repo)],
            { rounds, signal },
          )
          results[line.name] = measured
          await print(textTable([comparisonHead, ...comparisonRows(line.name, measured, 'naive')]))
        }
      }),
    ),
  )
  const total = (side: number): number =>
    Object.values(results).reduce((sum, measured) => sum + summarise(measured[side]?.samples ?? []).p50, 0)
  await print(`in total ${((1 - total(1) / total(0)) * 100).toFixed(1)} % less latency\n`)
  await print(`samples: ${await saveResults('seed', results)}\n`)
}

function naiveSide({ naive }: Line, repo: string, target: string, signal: AbortSignal): Side {
  return {
    name: 'naive',
    async run() {
      const cloned = await timeProcess(['git', 'clone', '--quiet', repo, target], { signal })
      const asked = naive === null ? 0 : await timeProcess(['git', ...naive], { cwd: target, signal })
      return { ms: cloned + asked, bytes: null }
    },
    clean: () => rm(target, { recursive: true, force: true }),
  }
}

function ourSide({ ours }: Line, engine: Engine, repo: string): Side {
  return {
    name: 'forkyard',
    async run() {
      const startedAt = performance.now()
      await ours(engine, repo)
      return { ms: performance.now() - startedAt, bytes: null }
    },
  }
}

async function ended({ running, receipt }: Awaited<ReturnType<Engine['exec']>>): Promise<void> {
  for await (const _ of running.stdout);
  await receipt
}
