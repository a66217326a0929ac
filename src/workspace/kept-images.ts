import { hasCode } from '../core/errors.ts'
import { settleAll } from '../core/settle-all.ts'
import type { Directory, ImageRecord } from '../directory/directory.ts'
import type { SandboxDriver } from '../sandbox/contract.ts'
import { forgetImage } from './forget-image.ts'
import { withoutSuperseded, type ImageContent } from './image-content.ts'

/** What is known of the images on the disk without asking it each time; other processes make and remove some too. */
export interface KeptImages {
  /** Looks again what there is. */
  look(): Promise<void>
  /** Ids by repository, the newest first. */
  readonly byRepository: ReadonlyMap<string, readonly string[]>
  /** When the newest image of a repository was made, in milliseconds since the epoch. */
  createdAt(repo: string): number
  /** What the images of a repository take of the disk, as far as they were weighed. */
  bytesOf(repo: string): number
  /** What one more image is likely to take. */
  expectedBytes(): number
  /** Notes a new image, and weighs it; resolves when that is done. */
  add(repo: string, id: string): Promise<void>
  remove(repo: string, ids: readonly string[]): Promise<void>
  /** Of which a newer image holds everything. */
  superseded(repo: string): Promise<readonly string[]>
}

/** Weights of the latest images tell what the next one may take. */
const REMEMBERED_WEIGHTS = 16

export function keptImages(driver: SandboxDriver, directory: Directory<ImageContent>): KeptImages {
  let byRepository = new Map<string, readonly string[]>()
  const newest = new Map<string, number>()
  const weights = new Map<string, number>()
  /** Added since the last look began, which may not have seen them. */
  let added: { readonly repo: string; readonly id: string }[] = []
  const latest: number[] = []

  async function weigh(id: string): Promise<void> {
    if (weights.has(id)) return
    const bytes = await driver.weigh(id).catch((error: unknown) => {
      // It may have gone meanwhile.
      if (hasCode(error, 'image_not_found')) return null
      throw error
    })
    if (bytes === null) return
    weights.set(id, bytes)
    latest.push(bytes)
    if (latest.length > REMEMBERED_WEIGHTS) latest.shift()
  }

  function note(repo: string, id: string): void {
    const known = byRepository.get(repo) ?? []
    if (!known.includes(id)) byRepository.set(repo, [id, ...known])
  }

  return {
    async look() {
      added = []
      const records = (await directory.all()).toSorted((a, b) => b.createdAt - a.createdAt)
      const found = Map.groupBy(records, ({ repo }) => repo)
      newest.clear()
      for (const [repo, [record]] of found) newest.set(repo, record?.createdAt ?? 0)
      byRepository = new Map([...found].map(([repo, ofOne]) => [repo, ofOne.map(({ id }) => id)]))
      for (const { repo, id } of added) note(repo, id)
      const ids = new Set([...byRepository.values()].flat())
      for (const id of weights.keys()) if (!ids.has(id)) weights.delete(id)
      for (const id of ids) await weigh(id)
    },

    get byRepository() {
      return byRepository
    },

    createdAt: (repo) => newest.get(repo) ?? Date.now(),
    bytesOf: (repo) => (byRepository.get(repo) ?? []).reduce((sum, id) => sum + (weights.get(id) ?? 0), 0),
    expectedBytes: () => latest.reduce((sum, bytes) => sum + bytes, 0) / Math.max(1, latest.length),

    async add(repo, id) {
      added.push({ repo, id })
      note(repo, id)
      await weigh(id)
    },

    async remove(repo, ids) {
      const left = (byRepository.get(repo) ?? []).filter((id) => !ids.includes(id))
      if (left.length > 0) byRepository.set(repo, left)
      else byRepository.delete(repo)
      // The newest first: what it stood on is then nobody's.
      for (const id of ids) await forgetImage({ driver, directory }, id)
      // What is left may weigh more: it keeps layers of those that went.
      for (const id of left) weights.delete(id)
      await settleAll(left.map(weigh))
    },

    async superseded(repo) {
      const records: readonly ImageRecord<ImageContent>[] = await directory.find(repo)
      const standing = new Set(withoutSuperseded(records).map(({ id }) => id))
      return records.map(({ id }) => id).filter((id) => !standing.has(id))
    },
  }
}
