import type { Clock } from '../core/clock.ts'
import { hasCode } from '../core/errors.ts'
import type { Directory } from '../directory/directory.ts'
import type { SandboxDriver } from '../sandbox/contract.ts'
import { forgetImage } from './forget-image.ts'
import { withoutSuperseded, type ImageContent } from './image-content.ts'

/** What is known of the images on the disk without asking it each time; other processes make and remove some too. */
export interface KeptImages {
  /** Looks again what there is; resolves with what others have removed since the last time. */
  look(): Promise<readonly string[]>
  /** Ids by repository, the newest first. */
  readonly byRepository: ReadonlyMap<string, readonly string[]>
  /** When the newest image of a repository was made, in milliseconds since the epoch. */
  createdAt(repo: string): number
  /** What the images of a repository take of the disk, as far as they were weighed. */
  bytesOf(repo: string): number
  /** What one more image may take: as much as the heaviest of the latest ones. */
  expectedBytes(): number
  /** Notes a new image, and weighs it; resolves when that is done. */
  add(repo: string, id: string): Promise<void>
  /** Removes images of one repository, the newest first. */
  remove(ids: readonly string[]): Promise<void>
  /** Images of a repository of which a newer one holds everything, and the oldest beyond so many. */
  superfluous(repo: string): Promise<readonly string[]>
}

interface KeptSettings {
  readonly driver: SandboxDriver
  readonly directory: Directory<ImageContent>
  readonly clock: Clock
}

/** Weights of the latest images tell what the next one may take. */
const REMEMBERED_WEIGHTS = 16

/** Images of one repository, for as many cones or depths, that are kept though none replaces another. */
const MAX_OF_ONE = 16

export function keptImages({ driver, directory, clock }: KeptSettings): KeptImages {
  let byRepository = new Map<string, readonly string[]>()
  let newest = new Map<string, number>()
  const weights = new Map<string, number>()
  /** Since the last look began, which may not have seen them. */
  let changed = { added: new Map<string, string>(), removed: new Set<string>() }
  let looking: Promise<readonly string[]> | null = null
  const latest: number[] = []

  async function weigh(id: string): Promise<void> {
    const bytes = await driver.weigh(id).catch((error: unknown) => {
      // It may have gone meanwhile.
      if (hasCode(error, 'image_not_found')) return null
      throw error
    })
    if (bytes !== null) weights.set(id, bytes)
  }

  async function look(): Promise<readonly string[]> {
    changed = { added: new Map(), removed: new Set() }
    const before = [...byRepository.values()].flat()
    const records = (await directory.all()).toSorted((a, b) => b.createdAt - a.createdAt)
    const found = [...Map.groupBy(records, ({ repo }) => repo)]
    newest = new Map(found.map(([repo, [record]]) => [repo, record?.createdAt ?? clock.now()]))
    byRepository = new Map(found.map(([repo, ofOne]) => [repo, ofOne.map(({ id }) => id)]))
    for (const [id, repo] of changed.added) note(repo, id)
    for (const id of changed.removed) leaveOut(id)
    const ids = new Set([...byRepository.values()].flat())
    for (const id of weights.keys()) if (!ids.has(id)) weights.delete(id)
    // What an image weighs grows where one that it stands on is removed, by whomever.
    for (const id of ids) await weigh(id)
    return before.filter((id) => !ids.has(id) && !changed.removed.has(id))
  }

  function note(repo: string, id: string): void {
    const known = byRepository.get(repo) ?? []
    if (known.includes(id)) return
    byRepository.set(repo, [id, ...known])
    newest.set(repo, clock.now())
  }

  function leaveOut(id: string): void {
    for (const [repo, known] of byRepository) {
      const left = known.filter((other) => other !== id)
      if (left.length === 0) byRepository.delete(repo)
      else byRepository.set(repo, left)
    }
  }

  return {
    look: () => (looking ??= look().finally(() => (looking = null))),
    get byRepository() {
      return byRepository
    },
    createdAt: (repo) => newest.get(repo) ?? clock.now(),
    bytesOf: (repo) => (byRepository.get(repo) ?? []).reduce((sum, id) => sum + (weights.get(id) ?? 0), 0),
    expectedBytes: () => Math.max(0, ...latest),

    async add(repo, id) {
      changed.added.set(id, repo)
      note(repo, id)
      await weigh(id)
      latest.push(weights.get(id) ?? 0)
      if (latest.length > REMEMBERED_WEIGHTS) latest.shift()
    },

    async remove(ids) {
      for (const id of ids) {
        const others = [...byRepository.values()].find((known) => known.includes(id)) ?? []
        // The newest first: what it stood on is then nobody's.
        await forgetImage({ driver, directory }, id)
        changed.removed.add(id)
        weights.delete(id)
        leaveOut(id)
        // What is left may weigh more: it keeps layers of those that went.
        for (const other of others) if (!ids.includes(other)) await weigh(other)
      }
    },

    async superfluous(repo) {
      const records = await directory.find(repo)
      const standing = new Set(
        withoutSuperseded(records)
          .slice(0, MAX_OF_ONE)
          .map(({ id }) => id),
      )
      return records.map(({ id }) => id).filter((id) => !standing.has(id))
    },
  }
}
