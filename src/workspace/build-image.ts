import { AppError } from '../core/errors.ts'
import { span } from '../core/spans.ts'
import type { Image, Sandbox, SandboxDriver, SandboxLimits } from '../sandbox/contract.ts'
import { bakeIndex, builderGit, checkOut, probe } from './builder.ts'
import { noFacts, type RepoFacts } from './cost.ts'
import type { ImageRequest } from './image-request.ts'
import { listWanted } from './missing-objects.ts'
import { hasGaps, withWholeHistory, type Has } from './needs.ts'
import { notFollowed } from './not-followed.ts'
import { unpack, withSandbox } from './place.ts'
import type { Plan } from './plan.ts'
import type { Pool } from './pool.ts'
import { repositoryState, type RepositoryState } from './repository-files.ts'
import type { Base, BringOptions, Brought, Upstream } from './upstream.ts'

interface Build {
  readonly driver: SandboxDriver
  readonly limits: SandboxLimits
  readonly pool: Pool
  /** Id of the image that comes of it. */
  readonly id: string
  readonly request: Pick<ImageRequest, 'commits' | 'listBlobs'>
  readonly upstream: Upstream
  readonly plan: Plan
  /** The image the plan starts from, with what it holds. */
  readonly base: { readonly id: string; readonly has: Has } | null
}

interface Built {
  readonly image: Image
  /** What it holds, which can be more than was planned. */
  readonly has: Has
  readonly bytesFetched: number
  readonly facts: RepoFacts
  /** What its checkout leaves out on purpose. */
  readonly warnings: readonly string[]
}

/**
 * Carries out a plan in a builder, which has no network and no credential, and freezes it. An image with files is
 * promoted only after a throw-away fork of it has shown a clean status.
 */
export async function buildImage(build: Build, options: BringOptions): Promise<Built> {
  const { driver, limits, pool, id, plan } = build
  const spec = { image: plan.base, upper: 'disk', network: 'none', limits, metadata: { role: 'builder' } } as const
  const creating =
    plan.base === null ? pool.take(spec, options).then(({ sandbox }) => sandbox) : driver.create(spec, options)
  // Whoever awaits it learns why it failed; the remote may fail first.
  creating.catch(() => {})
  try {
    const { bytes: bytesFetched, isWhole } = await carryOut(build, creating, options)
    const builder = await creating
    const hasFiles = plan.result.worktree !== 'none'
    const [status, warnings] = hasFiles
      ? await Promise.all([bakeIndex(builder, id, options), notFollowed(builder, options)])
      : [null, []]
    const image = await driver.freeze(builder, id)
    if (status !== null) {
      const fork = {
        image: id,
        upper: 'memory',
        network: 'none',
        limits: probeLimits(limits),
        metadata: { role: 'probe' },
      } as const
      await withSandbox(driver, fork, (sandbox) => probe(sandbox, status, options), options)
    }
    const has = isWhole ? withWholeHistory(plan.result) : plan.result
    return { image, has, bytesFetched, facts: noFacts, warnings }
  } finally {
    const [made] = await Promise.allSettled([creating])
    if (made.status === 'fulfilled') await made.value.destroy()
  }
}

/** A probe writes nothing; it must not take what forks in use may need. */
function probeLimits(limits: SandboxLimits): SandboxLimits {
  return { ...limits, diskBytes: Math.min(limits.diskBytes, 16 * 1024 * 1024) }
}

async function carryOut(
  { request, upstream, plan, base }: Build,
  creating: Promise<Sandbox>,
  options: BringOptions,
): Promise<Brought> {
  const state = stateOf(upstream, plan.result)
  const [head = ''] = request.commits
  let shown = base === null || base.has.worktree === 'none' ? null : (base.has.tips[0] ?? null)
  let bytes = 0
  let isWhole = false
  let isFirst = base === null
  for (const step of plan.steps) {
    if (step.kind === 'fetch') {
      const brought = await upstream.bring({ ...step, base: asBase(base), isFirst, state }, creating, options)
      isFirst = false
      bytes += brought.bytes
      isWhole = brought.isWhole
      // Taken for whole, it would make merge-base and blame answer wrongly without a word.
      if (step.depth === 'full' && !isWhole)
        throw new AppError('history_incomplete', 'Cannot bring the whole history: the repository does not hold it')
    } else if (step.kind === 'backfill') {
      const { oids, filter } = await span('backfill', {}, async () =>
        listWanted(builderGit(await creating, options), step, request, options),
      )
      // What is there already plays no part in fetching by id.
      const wish = { base: null, isFirst, wants: oids, depth: 'exact', filter, state } as const
      if (oids.length > 0) bytes += (await upstream.bring(wish, creating, options)).bytes
    } else if (step.kind === 'checkout') {
      await checkOut(builderGit(await creating, options), { from: shown, to: head, cone: step.cone }, options)
      shown = head
    }
  }
  if (base !== null) await unpack(await creating, repositoryState(state), null, options)
  return { bytes, isWhole }
}

function stateOf({ objectFormat, url }: Upstream, has: Has): RepositoryState {
  return { objectFormat, url, tips: has.tips, hasGaps: hasGaps(has) }
}

function asBase(base: Build['base']): Base | null {
  return base === null ? null : { tips: base.has.tips, isShallow: base.has.history !== 'full' }
}
