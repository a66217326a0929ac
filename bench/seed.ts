import { join } from 'node:path'
import { blamedPath } from './generate/files.ts'
import { savingRow, shortfalls, type Line } from './measure/before-after.ts'
import { withBeside } from './measure/beside.ts'
import { withComposed } from './measure/composed.ts'
import { withGround } from './measure/ground.ts'
import { naiveWay } from './measure/naive.ts'
import { completeOptions, type BenchOptions } from './measure/options.ts'
import { percent, saveResults, textTable } from './measure/report.ts'
import { withScratch } from './measure/scratch.ts'
import { ask, call, withService } from './measure/service.ts'
import { measureInTurns, type Sample, type Side } from './measure/sides.ts'
import { heard, OPERATIONS } from './metrics.ts'
import { lineOf, main, type Line as SimulatedLine } from './simulate/lines.ts'
import { independent } from './simulate/workloads.ts'

/** The same question for git in a full clone and for a service. */
const questions = {
  status: { git: ['status', '--porcelain'], input: {} },
  log: { git: ['log', '-20'], input: { limit: 20 } },
  diff: { git: ['diff', 'main~3', 'main'], input: { from: 'main~3', to: 'main' } },
  blame: { git: ['blame', '--porcelain', blamedPath], input: { path: blamedPath } },
} as const

/** Room for these shares of the repositories: where plain LRU has about half of the hits, and where it has most. */
const budgets = [0.05, 0.4] as const

/** What each line and all requests in sum are to save. */
const aims = { each: 0.85, total: 0.95 } as const

/**
 * Before and after on one repository: a new sandbox, a full clone and awaited metrics for each request, against a warm
 * service over HTTP that keeps no results. What the cache hits is simulated, with as much room on both sides.
 */
export async function run(options: BenchOptions): Promise<void> {
  const complete = completeOptions(options, { rounds: 3 })
  const { print } = complete
  const { parts, requests } = await measure(complete)
  const lines = [...parts, ...requests]
  const hits = simulateHits()
  await print(
    textTable([
      ['what, p50', 'naive', 'forkyard', 'less'],
      ...parts.map((line) => savingRow(line.name, [line])),
      ...hits.map(({ share, lruTtl, forkyard }) => [
        `hits, room for ${100 * share} %`,
        percent(lruTtl),
        percent(forkyard),
        '',
      ]),
      ...requests.map((line) => savingRow(line.name, [line])),
      savingRow('the four in total', requests),
    ]),
  )
  await print(
    `the aim is ${percent(aims.each)} less for each time and ${percent(aims.total)} for the total; hits are simulated, with as much room on both sides\n`,
  )
  await print(`samples: ${await saveResults('seed', { lines, hits })}\n`)
  const short = shortfalls(lines, requests, aims)
  if (short.length > 0) throw new Error(`Too little time is saved: ${short.join('; ')}`)
}

interface Lines {
  readonly parts: readonly Line[]
  readonly requests: readonly Line[]
}

async function measure(options: Required<BenchOptions>): Promise<Lines> {
  const { signal, rounds } = options
  const [recorded] = await measureInTurns([heard()], { rounds, signal })
  return withGround(['files-20k'], options, (ground) =>
    withScratch((scratch) => {
      const repo = ground.url('files-20k')
      const host = ground.host
      return withBeside(new URL('measure/receive.ts', import.meta.url), [], (receiverPort) =>
        withService({ stateDir: join(scratch, 'service'), host, settings: { resultCacheBytes: 0 } }, ({ url }) =>
          withComposed({ stateDir: join(scratch, 'naive'), host }, async ({ driver, limits }) => {
            const naive = naiveWay({ driver, limits, repo, receiverPort, signal })
            const opening = await warmService(url, repo)
            const requests: Line[] = []
            for (const [name, { git, input }] of Object.entries(questions)) {
              const ours = answering(`${url}/v1/operations/${name}`, { repo, ...input })
              const sides = [naive.asking(git), ours, opening.side]
              const [before, after] = await measureInTurns(sides, { rounds, signal })
              requests.push({ name, before: before?.samples ?? [], after: after?.samples ?? [] })
            }
            const metrics = (recorded?.samples ?? []).map(({ ms }) => ({ ms: ms / OPERATIONS, bytes: null }))
            const parts = [
              { name: 'sandbox creation', before: naive.parts.creation, after: opening.taken },
              { name: 'working copy', before: naive.parts.clone, after: opening.opened },
              { name: 'metrics of an operation', before: naive.parts.metrics, after: metrics },
            ]
            return { parts, requests }
          }),
        ),
      )
    }),
  )
}

interface Opening {
  readonly side: Side
  /** What opening took over HTTP, the remote's own answer included, and what of it was taking a sandbox from the pool. */
  readonly opened: readonly Sample[]
  readonly taken: readonly Sample[]
}

/** Asks everything twice, because sandboxes are kept ready from the second question on. */
async function warmService(url: string, repo: string): Promise<Opening> {
  await call(`${url}/v1/images`, { repo })
  for (let count = 0; count < 2; count += 1) {
    for (const [name, { input }] of Object.entries(questions)) {
      await call(`${url}/v1/operations/${name}`, { repo, ...input })
    }
    const { id } = await call<{ id: string }>(`${url}/v1/workspaces`, { repo })
    await call(`${url}/v1/workspaces/${id}`, null, { method: 'DELETE' })
  }
  const opened: Sample[] = []
  const taken: Sample[] = []
  let workspace = ''
  const side = {
    name: 'open',
    async run() {
      const startedAt = performance.now()
      const { value, receipt } = await ask<{ id: string }>(`${url}/v1/workspaces`, { repo })
      const sample = { ms: performance.now() - startedAt, bytes: null }
      workspace = `${url}/v1/workspaces/${value.id}`
      if (receipt?.tier !== 'pool') throw new Error(`Cannot measure: ${receipt?.tier} served, nothing waited`)
      opened.push(sample)
      taken.push({ ms: receipt.phases.find(({ name }) => name === 'take')?.ms ?? NaN, bytes: null })
      return sample
    },
    clean: () => call<undefined>(workspace, null, { method: 'DELETE' }),
  }
  return { side, opened, taken }
}

function answering(url: string, input: unknown): Side {
  return {
    name: 'forkyard',
    async run() {
      const startedAt = performance.now()
      await call(url, input)
      return { ms: performance.now() - startedAt, bytes: null }
    },
  }
}

/** Plain LRU with a TTL of an hour, and our policy, both with as much room. */
function simulateHits(): readonly SimulatedLine[] {
  const workload = independent(main.repositories, 1, 48)
  return budgets.map((share) => lineOf(workload, share))
}
