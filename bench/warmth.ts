import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Settings } from '../src/config.ts'
import type { EngineState } from '../src/engine/contract.ts'
import { random } from './generate/random.ts'
import type { Worker } from './measure/crowd.ts'
import { withGround } from './measure/ground.ts'
import { mixedClient, type Asked } from './measure/load-mix.ts'
import { manyOf } from './measure/many-of.ts'
import { completeOptions, type BenchOptions } from './measure/options.ts'
import { pushChanges } from './measure/push-changes.ts'
import { saveResults, textTable } from './measure/report.ts'
import { withScratch } from './measure/scratch.ts'
import { call, withService } from './measure/service.ts'
import { quantile } from './measure/sides.ts'
import { zipf } from './simulate/workloads.ts'

const preset = 'files-1k'
const repositories = 50
const clients = 8
/** After how many operations somebody pushes, to a repository that is chosen as theirs are. */
const PUSH_EVERY = 100
const PUSHED_FILES = 10
/** The part that promises are made of. */
const PROMISED = 0.8
const sides = {
  'warm-up and pool': { warmUpMs: 10_000 },
  neither: { warmUpMs: 0, poolSize: 0 },
} as const satisfies Record<string, Partial<Settings>>

interface Judged extends Asked {
  /** Milliseconds spent on making a sandbox or an image. */
  readonly waitedMs: number
}

/**
 * How many operations of the load mix wait for neither a sandbox nor an image, with warm-up and pool and without. Clients
 * ask for 50 repositories by Zipf's law, as many times a side as there are rounds, while somebody pushes and announces
 * it to nobody; both sides begin with an image of each, and the first third of the operations only warms them up. An operation has waited if a sandbox was made for it (a phase `fork` in its receipt) or an image (a
 * phase `build`, or a tier that says so where somebody else's build was waited for); also if it came for the same
 * repository while such a sandbox or image was being made for another one, unless a result, a workspace or a sandbox of
 * the pool was there for it. Taking what is ready from the pool counts as no wait, and so do the remote's answer and git.
 */
export async function run(options: BenchOptions): Promise<void> {
  const complete = completeOptions(options, { rounds: 6000 })
  const { print } = complete
  const results: Record<string, readonly Judged[]> = {}
  for (const [side, settings] of Object.entries(sides)) {
    const asked = await withRepositories(complete, (ground) => askAll(ground, settings, complete))
    const judged = judge(asked).slice(Math.floor(asked.length / 3))
    results[side] = judged
    await print(textTable([head, ...rowsOf(side, judged)]))
  }
  await print(`samples: ${await saveResults('warmth', results)}\n`)
  const reached = shareWithoutWait(results['warm-up and pool'] ?? [])
  if (reached < PROMISED) throw new Error(`Only ${percent(reached)} of the operations did not wait`)
}

interface Repositories {
  readonly host: string
  readonly stateDir: string
  readonly names: readonly string[]
  readonly gitDir: (name: string) => string
}

/** Lends copies of their own, because they are pushed to. */
async function withRepositories<Result>(
  { print }: Pick<BenchOptions, 'print'>,
  work: (repositories: Repositories) => Promise<Result>,
): Promise<Result> {
  return withScratch(async (scratch) => {
    const served = join(scratch, 'served')
    await mkdir(served)
    return withGround([preset], { print, directory: served }, async (ground) => {
      const names = await manyOf(ground.gitDir(preset), served, { name: 'warm', count: repositories })
      const gitDir = (name: string): string => join(served, name)
      return work({ host: ground.host, stateDir: join(scratch, 'state'), names, gitDir })
    })
  })
}

/** Lets the clients ask, and gives all that was asked but what clients begin and end with. */
async function askAll(
  { host, stateDir, names, gitDir }: Repositories,
  settings: Partial<Settings>,
  { rounds, print, signal }: Required<BenchOptions>,
): Promise<readonly Asked[]> {
  return withService({ stateDir, host, settings }, async (service) => {
    for (const name of names) await call(`${service.url}/v1/images`, { repo: `http://${host}/${name}` })
    const rank = zipf(names.length, 1)
    const dice = random(names.length)
    const pick = (): string => names[rank(dice.below(2 ** 31) / 2 ** 31)] ?? ''
    const asked: Asked[] = []
    // One after the other: two at once to the same branch would not be pushes any more.
    let pushing = Promise.resolve()
    const note = (one: Asked): void => {
      asked.push(one)
      if (asked.length % PUSH_EVERY > 0) return
      const pushed = gitDir(pick())
      pushing = pushing.then(() => pushChanges(pushed, PUSHED_FILES))
      // Told at the end.
      pushing.catch(() => {})
    }
    const work = async (): Promise<void> => {
      const client = mixedClient(service, () => `http://${host}/${pick()}`, note)
      await workUntil(client, () => asked.length >= rounds, signal)
    }
    await Promise.all(Array.from({ length: clients }, work))
    await pushing
    const { shared } = await call<EngineState>(`${service.url}/v1/state`, null, { method: 'GET' })
    await print(`pool: ${JSON.stringify(shared?.pool)}\n`)
    return asked
  })
}

async function workUntil(worker: Worker, isEnough: () => boolean, signal: AbortSignal): Promise<void> {
  await worker.start?.()
  while (!isEnough()) {
    signal.throwIfAborted()
    await worker.turn()
  }
  await worker.end?.()
}

/** Tells of each how long it waited; pure. */
function judge(all: readonly Asked[]): readonly Judged[] {
  const makers = Map.groupBy(
    all.filter(({ tier, phases }) => isMaker({ tier, phases })),
    ({ repo }) => repo,
  )
  return all.map((one) => {
    if (isMaker(one)) return { ...one, waitedMs: makingMs(one) }
    const other = (makers.get(one.repo) ?? []).find(
      ({ startedAt, endedAt }) => startedAt < one.startedAt && one.startedAt < endedAt,
    )
    const waitedMs = other === undefined || one.tier !== 'image' ? 0 : one.endedAt - one.startedAt
    return { ...one, waitedMs }
  })
}

function isMaker({ tier, phases }: Pick<Asked, 'tier' | 'phases'>): boolean {
  return tier === 'refresh' || tier === 'clone' || phases.some(({ name }) => name === 'fork' || name === 'build')
}

/** What is made in a build is part of its time; who waited for another one's build has no phase of it. */
function makingMs({ tier, phases, startedAt, endedAt }: Asked): number {
  const ms = (name: string): number => phases.find((phase) => phase.name === name)?.ms ?? 0
  const [build, take] = [ms('build'), ms('take')]
  if (build > 0) return build + take
  return tier === 'image' ? Math.max(ms('fork'), take) : endedAt - startedAt
}

function shareWithoutWait(judged: readonly Judged[]): number {
  return judged.filter(({ waitedMs }) => waitedMs === 0).length / judged.length
}

const head: readonly string[] = ['side', 'operations', 'count', 'waited 0 ms', 'others: p50', 'tiers']

function rowsOf(side: string, judged: readonly Judged[]): readonly string[][] {
  const byKind = Map.groupBy(judged, ({ kind, name }) => (kind === 'open' ? kind : `${name}, ${kind}`))
  const outside = judged.filter(({ kind }) => kind !== 'in a workspace')
  const sorted = [...byKind].toSorted(([one], [other]) => one.localeCompare(other))
  return [...sorted, ['all outside of workspaces', outside] as const, ['all', judged] as const].map(([what, ones]) => {
    const waits = ones.filter(({ waitedMs }) => waitedMs > 0).map(({ waitedMs }) => waitedMs)
    const median =
      waits.length === 0
        ? ''
        : `${quantile(
            waits.toSorted((a, b) => a - b),
            0.5,
          ).toFixed(1)} ms`
    const tiers = [...Map.groupBy(ones, ({ tier }) => tier)].map(([tier, of]) => `${of.length} ${tier}`)
    return [side, what, String(ones.length), percent(shareWithoutWait(ones)), median, tiers.join(', ')]
  })
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
