import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { SandboxDriver } from '../../src/sandbox/contract.ts'
import { cacheGround, mebibyte, smallDisk } from '../support/cache-ground.ts'
import { enterableFolder, openDriver, specOf } from '../support/local-sandboxes.ts'
import { tracesOf } from '../support/traces.ts'

const { signal } = new AbortController()
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

test('what is over the budget for bytes goes, the least used first, and nothing more than that', async () => {
  const { open, build, ask, names } = await cacheGround(driver, stateDir, { bytes: 4.5 * mebibyte })
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
  const { open, build, ask, names, pass } = await cacheGround(driver, stateDir, { count: 2 })
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
  const ground = await cacheGround(driver, stateDir, { freeShare: 0.25, space })
  const { open, build, ask, names } = ground
  const cache = await open()
  for (const repo of ['a', 'b', 'c', 'd']) {
    await build(cache, repo)
    ask(cache, repo)
  }
  others = 12.8 * mebibyte
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
  const { open, build, ask, names, inUse } = await cacheGround(driver, stateDir, { count: 1 })
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

test('who comes while others are evicted keeps theirs', async () => {
  const disk = smallDisk()
  const { open, build, ask, names, inUse, whenEnding } = await cacheGround(driver, stateDir, {
    freeShare: 0.25,
    space: disk.space,
  })
  const cache = await open()
  const images: string[] = []
  for (const repo of ['a', 'b', 'c', 'd']) {
    images.push(await build(cache, repo))
    ask(cache, repo)
  }
  await cache.tidy()
  // While the first goes, a workspace of the second is opened, and somebody asks for the third.
  whenEnding((image) => {
    if (image !== images[0]) return
    inUse.push('b')
    ask(cache, 'c')
  })
  disk.fill(true)
  await cache.tidy()
  assert.deepEqual(await names(cache), ['b', 'c'])
  await cache.close()
})
