import { randomBytes } from 'node:crypto'
import { AppError, hasCode } from '../core/errors.ts'
import { span } from '../core/spans.ts'
import { singleFlight } from '../core/single-flight.ts'
import type { Directory, ImageRecord } from '../directory/directory.ts'
import type { SandboxDriver, SandboxLimits } from '../sandbox/contract.ts'
import type { Connection, ImageRequest } from './image-request.ts'
import { noFacts } from './cost.ts'
import { withoutSuperseded, type ImageContent } from './image-content.ts'
import type { Has } from './needs.ts'
import { maxLayers, plan, type ImageCandidate, type Plan } from './plan.ts'
import type { Pool } from './pool.ts'
import type { RepositoryCache } from './repository-cache.ts'
import type { BringOptions } from './upstream.ts'

/** The part of a request that plans depend on. */
type Needed = Pick<ImageRequest, 'repo' | 'needs' | 'commits' | 'cone'>

/** An image that serves a request, and what it took. */
export interface Provided {
  readonly image: string
  readonly plan: Plan
  readonly bytesFetched: number
  /** Contents of single files may be missing: whoever forks it looks, before it runs what reads them. */
  readonly mayLackBlobs: boolean
  /** What the image's checkout leaves out on purpose, in sentences. */
  readonly warnings: readonly string[]
}

export interface Images {
  /** Whether any image of the repository is recorded. */
  knows(repo: string): Promise<boolean>
  /** Of each kind of worktree that is kept of the repository, what the newest image holds. */
  kinds(repo: string): Promise<readonly Has[]>
  /** What `provide` would do. */
  plan(request: Needed, remote: Connection['abilities']): Promise<Plan>
  /** An image that covers the request; built, refreshed or upgraded where none does. Waiters for the same share the work. */
  provide(request: ImageRequest, options: BringOptions): Promise<Provided>
  /** Adds the contents that were found missing in an image, in one batch. */
  backfill(request: ImageRequest, lack: Lack, options: BringOptions): Promise<Provided>
  list(): Promise<readonly ImageRecord<ImageContent>[]>
  drop(imageId: string): Promise<void>
  /** Removes what builders that are gone left behind. */
  sweep(): Promise<void>
}

/** File contents that an image turned out not to have. */
export interface Lack {
  readonly image: string
  readonly missing: readonly string[]
}

export interface ImagesSettings {
  readonly driver: SandboxDriver
  readonly directory: Directory<ImageContent>
  readonly limits: SandboxLimits
  /** Where builders that begin with nothing come from. */
  readonly pool: Pool
  readonly room: Pick<RepositoryCache, 'makeRoom' | 'forget'>
}

/** Decides which image serves a request; the driver keeps their layers, the directory their records. */
export function images({ driver, directory, limits, pool, room }: ImagesSettings): Images {
  const builds = singleFlight<Provided>()

  async function planFor(
    request: Needed,
    remote: Connection['abilities'],
    mayServe: (candidate: ImageCandidate) => boolean = () => true,
  ): Promise<Plan> {
    const records = await directory.find(request.repo)
    const candidates = withoutSuperseded(records)
      .map(({ id, content: { has, layers } }, newer) => ({ id, has, layers, newer }))
      .filter(mayServe)
    const { needs, commits, cone } = request
    return plan({ needs, commits, cone, remote, candidates, facts: records[0]?.content.facts ?? noFacts })
  }

  /** The image where one has all that can be kept; what it lacks of single files is found out by who forks it. */
  async function ready(request: Needed): Promise<Provided | null> {
    // What the remote can do plays no part in an image that is there already.
    const chosen = await planFor(request, { hasFilter: true, hasShallow: true })
    if (chosen.tier !== 'image' || chosen.base === null) return null
    if (!(await isUsable(chosen.base))) return ready(request)
    // Only what will have been done belongs into the receipt.
    const steps = chosen.steps.filter(({ kind }) => kind !== 'backfill')
    const mayLackBlobs = steps.length < chosen.steps.length
    const { warnings } = await contentOf(request.repo, chosen.base)
    return { image: chosen.base, plan: { ...chosen, steps }, bytesFetched: 0, mayLackBlobs, warnings }
  }

  /** Whether an image can be forked; the record of one that cannot is forgotten, so that another way is planned. */
  async function isUsable(id: string): Promise<boolean> {
    try {
      await driver.image(id)
      return true
    } catch (error) {
      if (!hasCode(error, 'image_not_found', 'image_incompatible')) throw error
      await discard(id)
      return false
    }
  }

  /** One build at a time for each repository on all processes: who waited finds the image made. */
  function buildAlone(request: ImageRequest, options: BringOptions): Promise<Provided> {
    return directory.exclusively(
      `build ${request.repo}`,
      async () => (await ready(request)) ?? (await buildPlanned(request, options)),
      options,
    )
  }

  async function buildPlanned(request: ImageRequest, options: BringOptions): Promise<Provided> {
    const connection = await request.connect(options)
    const chosen = await planFor(request, connection.abilities)
    if (chosen.base !== null && !(await isUsable(chosen.base))) return buildPlanned(request, options)
    return build(request, connection, chosen, options)
  }

  async function build(
    request: ImageRequest,
    { upstream }: Connection,
    chosen: Plan,
    options: BringOptions,
  ): Promise<Provided> {
    const id = newImageId()
    const settleRoom = await room.makeRoom(request.repo, options)
    try {
      await directory.claim(id)
      const base =
        chosen.base === null ? null : { id: chosen.base, has: (await contentOf(request.repo, chosen.base)).has }
      // Most requests find their image made: what builds one is loaded when one is built.
      const { buildImage } = await import('./build-image.ts')
      const built = await span('build', { tier: chosen.tier }, () =>
        buildImage({ driver, limits, pool, id, request, upstream, plan: chosen, base }, options),
      )
      const content: ImageContent = {
        has: built.has,
        layers: built.image.layers.length,
        facts: built.facts,
        warnings: built.warnings,
      }
      await directory.record({ id, repo: request.repo, content, createdAt: built.image.createdAt })
      settleRoom(id)
      const carriedOut = { ...chosen, result: built.has }
      return {
        image: id,
        plan: carriedOut,
        bytesFetched: built.bytesFetched,
        mayLackBlobs: false,
        warnings: built.warnings,
      }
    } catch (error) {
      settleRoom(null)
      await discard(id)
      throw error
    }
  }

  async function contentOf(repo: string, id: string): Promise<ImageContent> {
    const record = (await directory.find(repo)).find((one) => one.id === id)
    if (record === undefined) throw new AppError('image_not_found', `Cannot use image ${id}: it was dropped just now`)
    return record.content
  }

  const discard = (id: string): Promise<void> => room.forget(id)

  /** One batch of file contents on top of an image, or anew where it has enough layers. */
  async function buildFuller(
    request: ImageRequest,
    { image, missing }: Lack,
    options: BringOptions,
  ): Promise<Provided> {
    const connection = await request.connect(options)
    const chosen = await planFor(request, connection.abilities, ({ layers }) => layers < maxLayers)
    // Somebody else may have been first with an image that lacks other things.
    const listBlobs: ImageRequest['listBlobs'] = async (git, listing) =>
      chosen.base === image ? missing : [...missing, ...(await request.listBlobs(git, listing))]
    const tier = chosen.base === null ? 'clone' : 'refresh'
    return build({ ...request, listBlobs }, connection, { ...chosen, tier }, options)
  }

  return {
    knows: async (repo) => (await directory.find(repo)).length > 0,
    async kinds(repo) {
      const standing = withoutSuperseded(await directory.find(repo)).map(({ content }) => content.has)
      const byKind = Map.groupBy(standing, ({ worktree, cone }) => JSON.stringify([worktree, cone]))
      return [...byKind.values()].flatMap((found) => found.slice(0, 1))
    },
    plan: planFor,

    provide: async (request, options) =>
      (await ready(request)) ??
      builds.run(buildKey(request), (signal) => buildAlone(request, shared(options, signal)), options),

    backfill(request, lack, options) {
      const work = (signal: AbortSignal): Promise<Provided> =>
        directory.exclusively(`build ${request.repo}`, () => buildFuller(request, lack, shared(options, signal)), {
          signal,
        })
      return builds.run(`${buildKey(request)} after ${JSON.stringify(lack)}`, work, options)
    },

    list: () => directory.all(),
    drop: async (imageId) => {
      await driver.drop(imageId)
      await discard(imageId)
    },
    async sweep() {
      for (const id of await directory.abandoned()) await discard(id)
    },
  }
}

/** Shared work ends with its last waiter, not with the deadline of the first. */
function shared(options: BringOptions, signal: AbortSignal): BringOptions {
  return { ...options, signal, deadlineMs: Infinity }
}

function newImageId(): string {
  return `img_${randomBytes(12).toString('hex')}`
}

/** Requests with equal keys need the same image. */
function buildKey({ repo, needs, commits, cone, sharing }: ImageRequest): string {
  return JSON.stringify([repo, needs, commits, cone, sharing])
}
