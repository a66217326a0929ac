import type { Clock } from '../../src/core/clock.ts'
import { diskDirectory } from '../../src/directory/disk-directory.ts'
import { diskUsage } from '../../src/directory/disk-usage.ts'
import type { SandboxDriver } from '../../src/sandbox/contract.ts'
import { noFacts } from '../../src/workspace/cost.ts'
import type { ImageContent } from '../../src/workspace/image-content.ts'
import { blank } from '../../src/workspace/needs.ts'
import { repositoryCache, type RepositoryCache } from '../../src/workspace/repository-cache.ts'
import { isRepositoryUse, mergedUse } from '../../src/workspace/repository-use.ts'
import { useBook } from '../../src/workspace/use-book.ts'
import { shell, specOf } from './local-sandboxes.ts'

export const mebibyte = 1024 ** 2
const { signal } = new AbortController()

interface Wishes {
  readonly bytes?: number
  readonly count?: number
  readonly freeShare?: number
  readonly space?: SandboxDriver['space']
}

let grounds = 0

/** A cache on a directory and a clock of its own, whose images are real ones of a mebibyte. */
export async function cacheGround(
  driver: SandboxDriver,
  stateDir: string,
  { bytes = Infinity, count = Infinity, freeShare = 0, space }: Wishes = {},
) {
  grounds += 1
  const path = `${stateDir}/directory-${grounds}`
  let now = 1_700_000_000_000
  const clock: Clock = { now: () => now, monotonic: () => now }
  const directory = await diskDirectory<ImageContent>(path)
  const usage = { directory, merge: mergedUse, isEntry: isRepositoryUse }
  const ended: string[] = []
  const inUse: string[] = []
  let onEnd: (image: string) => void = () => {}

  async function end(image: string): Promise<void> {
    ended.push(image)
    onEnd(image)
  }

  async function open(): Promise<RepositoryCache> {
    const book = useBook(await diskUsage(`${path}/usage`, usage))
    const place = space === undefined ? driver : { ...driver, space }
    const cache = repositoryCache({ driver: place, directory, book, budget: { bytes, count }, freeShare, clock })
    cache.attend({ inUse: () => inUse, end })
    return cache
  }

  let images = 0
  async function build(cache: RepositoryCache, repo: string, tips: readonly string[] = ['a']): Promise<string> {
    const made = await cache.makeRoom(repo, { signal })
    images += 1
    const id = `img_${grounds}_${images}`
    const sandbox = await driver.create(specOf({ upper: 'disk' }), { signal })
    await shell(sandbox, 'head -c 1000000 /dev/zero >file')
    const { layers, createdAt } = await driver.freeze(sandbox, id)
    const has = { ...blank, history: 1, trees: 'tip', blobs: 'tip', tips } as const
    const content: ImageContent = { has, layers: layers.length, facts: noFacts, warnings: [] }
    await directory.record({ id, repo, content, createdAt })
    made(id)
    await driver.weigh(id)
    return id
  }

  function ask(cache: RepositoryCache, repo: string, isHit = true): void {
    cache.count(repo, { ref: 'HEAD', tenant: '' }, isHit)
    now += 1000
  }

  return {
    open,
    build,
    ask,
    directory,
    ended,
    inUse,
    path,
    whenEnding: (act: (image: string) => void) => void (onEnd = act),
    pass: (ms: number) => void (now += ms),
    names: async (cache: RepositoryCache) => (await cache.kept()).map(({ repo }) => repo).toSorted(),
  }
}

/** A disk that is full, or not. */
export function smallDisk(): { readonly space: SandboxDriver['space']; readonly fill: (isFull: boolean) => void } {
  let freeBytes = 100 * mebibyte
  return {
    space: async () => ({ freeBytes, totalBytes: 100 * mebibyte }),
    fill: (isFull) => void (freeBytes = isFull ? 0 : 100 * mebibyte),
  }
}
