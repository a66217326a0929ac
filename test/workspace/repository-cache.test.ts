import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Clock } from '../../src/core/clock.ts'
import { diskDirectory } from '../../src/directory/disk-directory.ts'
import { diskUsage } from '../../src/directory/disk-usage.ts'
import type { SandboxDriver } from '../../src/sandbox/contract.ts'
import type { ImageContent } from '../../src/workspace/image-content.ts'
import { noFacts } from '../../src/workspace/cost.ts'
import { blank } from '../../src/workspace/needs.ts'
import { repositoryCache, type RepositoryCache } from '../../src/workspace/repository-cache.ts'
import { isRepositoryUse, mergedUse } from '../../src/workspace/repository-use.ts'
import { useBook } from '../../src/workspace/use-book.ts'
import { enterableFolder, openDriver, shell, specOf } from '../support/local-sandboxes.ts'
import { tracesOf } from '../support/traces.ts'

const { signal } = new AbortController()
const mebibyte = 1024 ** 2
const minute = 60_000
const stateDir = `${enterableFolder()}/state`
let driver: SandboxDriver

before(async () => {
  driver = await openDriver(stateDir)
})
after(async () => {
  for (const { id } of await driver.images()) await driver.drop(id)
  await driver.close()
  assert.deepEqual(tracesOf(stateDir), [])
})

interface Wishes {
  readonly bytes?: number
  readonly count?: number
  readonly freeShare?: number
  readonly space?: SandboxDriver['space']
}

let grounds = 0

/** A cache on a directory and a clock of its own, whose images are real ones of a mebibyte. */
async function cacheGround({ bytes = Infinity, count = Infinity, freeShare = 0, space }: Wishes = {}) {
  grounds += 1
  const path = `${stateDir}/directory-${grounds}`
  let now = 1_700_000_000_000
  const clock: Clock = { now: () => now, monotonic: () => now }
  const directory = await diskDirectory<ImageContent>(path)
  const usage = { directory, merge: mergedUse, isEntry: isRepositoryUse }
  const ended: string[] = []
  const inUse: string[] = []

  async function open(): Promise<RepositoryCache> {
    const book = useBook(await diskUsage(`${path}/usage`, usage))
    const place = space === undefined ? driver : { ...driver, space }
    const cache = repositoryCache({ driver: place, directory, book, budget: { bytes, count }, freeShare, clock })
    cache.attend({ inUse: () => inUse, end: async (image) => void ended.push(image) })
    return cache
  }

  let images = 0
  async function build(cache: RepositoryCache, repo: string, tips: readonly string[] = ['a']): Promise<string> {
    const made = await cache.makeRoom(repo)
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
    cache.count(repo, { address: repo, ref: 'HEAD', tenant: '' }, isHit)
  }

  return {
    open,
    build,
    ask,
    directory,
    ended,
    inUse,
    pass: (ms: number) => void (now += ms),
    names: async (cache: RepositoryCache) => (await cache.kept()).map(({ repo }) => repo).toSorted(),
  }
}

test('what is over the budget for bytes goes, the least used first, and nothing more than that', async () => {
  const { open, build, ask, names } = await cacheGround({ bytes: 4.5 * mebibyte })
  const cache = await open()
  for (const repo of ['a', 'b', 'c', 'd']) {
    await build(cache, repo)
    for (let use = 0; use < (repo === 'b' ? 1 : 5); use += 1) ask(cache, repo)
  }
  assert.deepEqual(await names(cache), ['a', 'b', 'c', 'd'])
  await build(cache, 'e')
  ask(cache, 'e', false)
  assert.deepEqual(await names(cache), ['a', 'c', 'd', 'e'])
  assert.deepEqual(
    cache.evicted.map(({ repo, shortage }) => [repo, shortage]),
    [['b', 'bytes']],
  )
  ask(cache, 'b', false)
  assert.deepEqual(cache.figures, { hits: 16, misses: 2, regrets: 1, evictions: 1 })
  await cache.close()
})

test('what is over the budget for repositories goes before the next is made', async () => {
  const { open, build, ask, names, pass } = await cacheGround({ count: 2 })
  const cache = await open()
  for (const repo of ['a', 'b', 'c', 'd', 'e']) {
    const release = cache.hold(repo)
    await build(cache, repo)
    assert.ok((await names(cache)).length <= 2)
    ask(cache, repo, false)
    release()
    pass(minute)
  }
  assert.deepEqual(await names(cache), ['d', 'e'])
  // Another image of one that is kept is no other repository.
  await build(cache, 'e', ['b'])
  assert.deepEqual(await names(cache), ['d', 'e'])
  assert.ok(cache.evicted.every(({ shortage }) => shortage === 'count'))
  await cache.close()
})

test('where the file system is nearly full, images go until it is not', async () => {
  let others = 0
  // A disk of 20 MB, of which each image takes one and a quarter must be free.
  const space: SandboxDriver['space'] = async () => {
    const kept = (await ground.directory.all()).length
    return { freeBytes: 20 * mebibyte - others - kept * 1_000_448, totalBytes: 20 * mebibyte }
  }
  const ground = await cacheGround({ freeShare: 0.25, space })
  const { open, build, ask, names } = ground
  const cache = await open()
  for (const repo of ['a', 'b', 'c', 'd']) {
    await build(cache, repo)
    ask(cache, repo)
  }
  others = 13 * mebibyte
  await cache.tidy()
  assert.deepEqual(await names(cache), ['c', 'd'])
  assert.deepEqual(
    cache.evicted.map(({ repo, shortage }) => [repo, shortage]),
    [
      ['b', 'free space'],
      ['a', 'free space'],
    ],
  )
  others = 20 * mebibyte
  await cache.tidy()
  assert.deepEqual(await names(cache), [])
  await cache.close()
})

test('what is in use never goes, here or in another process, whatever is over', async () => {
  const { open, build, ask, names, inUse } = await cacheGround({ count: 1 })
  const cache = await open()
  const release = cache.hold('held')
  inUse.push('leased')
  const other = await openDriver(stateDir)
  const held = await build(cache, 'held')
  await build(cache, 'leased')
  const releaseOther = cache.hold('elsewhere')
  const image = await build(cache, 'elsewhere')
  const theirs = await other.create({ ...specOf({}), image, metadata: { role: 'run' } }, { signal })
  const reader = await other.create({ ...specOf({}), image: held, metadata: { role: 'reader' } }, { signal })
  releaseOther()
  for (const repo of ['x', 'y']) {
    await build(cache, repo)
    ask(cache, repo, false)
    await cache.tidy()
  }
  assert.deepEqual(await names(cache), ['elsewhere', 'held', 'leased'])
  assert.deepEqual(new Set((await cache.kept()).map(({ isHeld }) => isHeld)), new Set([true]))
  await theirs.destroy()
  inUse.pop()
  release()
  release()
  await cache.tidy()
  // A reader of another process hinders nobody.
  assert.equal((await names(cache)).length, 1)
  await reader.destroy()
  await other.close()
  await cache.close()
})

test('what has expired has nothing waiting for it, and stays as long as there is room', async () => {
  const { open, build, ask, names, ended, pass } = await cacheGround()
  const cache = await open()
  const images = new Map<string, string>()
  for (let at = 0; at < 12; at += 1) {
    const repo = `repo-${at}`
    images.set(repo, await build(cache, repo))
    for (let use = 0; use <= at; use += 1) ask(cache, repo)
  }
  const next = await cache.tidy()
  assert.ok(next !== null)
  const [least] = (await cache.kept()).toReversed()
  assert.deepEqual([least?.repo, least?.standing.isExpired], ['repo-0', false])
  assert.equal(next, least?.standing.expiresAt)
  assert.deepEqual(ended, [])
  pass(121 * minute)
  await cache.tidy()
  // The ten that are used most do not expire.
  assert.deepEqual(new Set(ended), new Set([images.get('repo-0'), images.get('repo-1')]))
  assert.equal((await names(cache)).length, 12)
  await cache.close()
})

test('an image of which a newer one holds everything goes, unless it is in use', async () => {
  const { open, build, directory } = await cacheGround()
  const cache = await open()
  const older = await build(cache, 'a', ['1'])
  const newer = await build(cache, 'a', ['1', '2'])
  const apart = await build(cache, 'b', ['1'])
  const release = cache.hold('a')
  await cache.tidy()
  assert.equal((await directory.find('a')).length, 2)
  release()
  await cache.tidy()
  assert.deepEqual((await directory.all()).map(({ id }) => id).toSorted(), [newer, apart].toSorted())
  await assert.rejects(driver.image(older), { code: 'image_not_found' })
  await cache.close()
})

test('uses are remembered beyond the process and the image, and those of two processes add up', async () => {
  const { open, build, ask } = await cacheGround()
  const [one, other] = [await open(), await open()]
  await build(one, 'a')
  for (let use = 0; use < 3; use += 1) ask(one, 'a')
  for (let use = 0; use < 4; use += 1) ask(other, 'a')
  ask(other, 'gone')
  await Promise.all([one.close(), other.close()])
  const later = await open()
  assert.deepEqual(
    (await later.kept()).map(({ repo, uses }) => [repo, uses]),
    [['a', 7]],
  )
  assert.deepEqual(await later.mostUsed(10), ['a', 'gone'])
  assert.deepEqual(Object.keys((await later.useOf('gone'))?.refs ?? {}), ['HEAD'])
  await later.close()
})
