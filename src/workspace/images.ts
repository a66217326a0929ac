import { randomBytes } from 'node:crypto'
import { AppError, hasCode } from '../core/errors.ts'
import { singleFlight } from '../core/single-flight.ts'
import type { Directory, ImageRecord } from '../directory/directory.ts'
import type { SandboxDriver, SandboxLimits } from '../sandbox/contract.ts'
import { buildImage } from './build-image.ts'
import type { ImageRequest } from './image-request.ts'
import { noFacts, type RepoFacts } from './cost.ts'
import type { Has } from './needs.ts'
import { plan, type Plan } from './plan.ts'
import type { BringOptions } from './upstream.ts'

/** What an image is recorded with. */
export interface ImageContent {
  readonly has: Has
  readonly layers: number
  readonly bytes: number
  /** What was learned of the repository while it was built. */
  readonly facts: RepoFacts
}

/** An image that serves a request, and what it took. */
export interface Provided {
  readonly image: string
  readonly plan: Plan
  readonly bytesFetched: number
  /** Contents of single files may be missing: whoever forks it looks, before it runs what reads them. */
  readonly mayLackBlobs: boolean
}

export interface Images {
  /** What `provide` would do. */
  plan(request: Omit<ImageRequest, 'upstream' | 'listBlobs'>): Promise<Plan>
  /** An image that covers the request; built, refreshed or upgraded where none does. Waiters for the same share the work. */
  provide(request: ImageRequest, options: BringOptions): Promise<Provided>
  /** Adds file contents to an image that lacks them, in one batch. */
  backfill(request: ImageRequest, image: string, options: BringOptions): Promise<Provided>
  list(): Promise<readonly ImageRecord<ImageContent>[]>
  drop(imageId: string): Promise<void>
  /** Removes what builders that are gone left behind. */
  sweep(): Promise<void>
}

export interface ImagesSettings {
  readonly driver: SandboxDriver
  readonly directory: Directory<ImageContent>
  readonly limits: SandboxLimits
}

/** Decides which image serves a request; the driver keeps their layers, the directory their records. */
export function images({ driver, directory, limits }: ImagesSettings): Images {
  const builds = singleFlight<Provided>()

  async function planFor(request: Omit<ImageRequest, 'upstream' | 'listBlobs'>): Promise<Plan> {
    const records = await directory.find(request.repo)
    const candidates = records.map(({ id, content }) => ({
      id,
      has: content.has,
      layers: content.layers,
      bytes: content.bytes,
    }))
    const { needs, commits, cone, remote } = request
    return plan({ needs, commits, cone, remote, candidates, facts: records[0]?.content.facts ?? noFacts })
  }

  /** The image where the plan is only to fork one; what it lacks of single files is found out by who forks it. */
  function ready(chosen: Plan): Provided | null {
    if (chosen.tier !== 'image' || chosen.base === null) return null
    return {
      image: chosen.base,
      plan: chosen,
      bytesFetched: 0,
      mayLackBlobs: chosen.steps.some(({ kind }) => kind === 'backfill'),
    }
  }

  /** One build at a time for each repository on all processes: who waited finds the image made. */
  async function buildAlone(
    request: ImageRequest,
    options: BringOptions,
    choose: () => Promise<Plan>,
  ): Promise<Provided> {
    return directory.exclusively(
      `build ${request.repo}`,
      async () => {
        const chosen = await choose()
        return ready(chosen) ?? (await build(request, chosen, options))
      },
      options,
    )
  }

  async function build(request: ImageRequest, chosen: Plan, options: BringOptions): Promise<Provided> {
    const id = newImageId()
    await directory.claim(id)
    try {
      const base = chosen.base === null ? null : { id: chosen.base, has: await hasOf(request.repo, chosen.base) }
      const built = await buildImage({ driver, limits, id, request, plan: chosen, base }, options)
      const content: ImageContent = {
        has: built.has,
        layers: built.image.layers.length,
        bytes: built.image.bytes,
        facts: built.facts,
      }
      await directory.record({ id, repo: request.repo, content, createdAt: built.image.createdAt })
      const carriedOut = { ...chosen, result: built.has }
      return { image: id, plan: carriedOut, bytesFetched: built.bytesFetched, mayLackBlobs: false }
    } catch (error) {
      await discard(id)
      throw error
    }
  }

  async function hasOf(repo: string, id: string): Promise<Has> {
    const record = (await directory.find(repo)).find((one) => one.id === id)
    if (record === undefined) throw new AppError('image_not_found', `Cannot use image ${id}: it was dropped just now`)
    return record.content.has
  }

  async function discard(id: string): Promise<void> {
    await driver.drop(id).catch((error: unknown) => {
      // It may never have become an image.
      if (!hasCode(error, 'image_not_found')) throw error
    })
    await directory.forget(id)
  }

  /** A record whose image is gone or unfit is forgotten, and another way is planned. */
  async function withoutStale<T>(attempt: () => Promise<T>, imageOf: () => string | null): Promise<T> {
    try {
      return await attempt()
    } catch (error) {
      const stale = imageOf()
      if (stale === null || !hasCode(error, 'image_not_found', 'image_incompatible')) throw error
      await discard(stale)
      return attempt()
    }
  }

  return {
    plan: planFor,

    async provide(request, options) {
      let base: string | null = null
      const choose = async (): Promise<Plan> => {
        const chosen = await planFor(request)
        base = chosen.base
        return chosen
      }
      return withoutStale(
        async () => {
          const found = ready(await choose())
          if (found !== null) return found
          return builds.run(buildKey(request), (signal) => buildAlone(request, { ...options, signal }, choose), options)
        },
        () => base,
      )
    },

    backfill: (request, image, options) =>
      builds.run(
        `${buildKey(request)} after ${image}`,
        (signal) =>
          directory.exclusively(
            `build ${request.repo}`,
            async () => {
              const chosen = await planFor(request)
              const steps = [
                { kind: 'fork', image } as const,
                ...chosen.steps.filter(({ kind }) => kind === 'backfill'),
              ]
              return build(request, { ...chosen, steps, base: image, tier: 'refresh' }, { ...options, signal })
            },
            { signal },
          ),
        options,
      ),

    list: () => directory.all(),
    drop: async (imageId) => {
      await driver.drop(imageId)
      await directory.forget(imageId)
    },
    async sweep() {
      for (const id of await directory.abandoned()) await discard(id)
    },
  }
}

function newImageId(): string {
  return `img_${randomBytes(12).toString('hex')}`
}

/** Requests with equal keys need the same image. */
function buildKey({ repo, needs, commits, cone }: ImageRequest): string {
  return JSON.stringify([repo, needs, commits, cone])
}
