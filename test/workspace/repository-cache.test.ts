import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { SandboxDriver } from '../../src/sandbox/contract.ts'
import { cacheGround, smallDisk } from '../support/cache-ground.ts'
import { enterableFolder, openDriver } from '../support/local-sandboxes.ts'
import { tracesOf } from '../support/traces.ts'

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

test('what has expired has nothing waiting for it, and stays as long as there is room', async () => {
  const { open, build, ask, names, ended, pass } = await cacheGround(driver, stateDir)
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
  const { open, build, directory } = await cacheGround(driver, stateDir)
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
  const { open, build, ask } = await cacheGround(driver, stateDir)
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

test('what other processes count is seen some minutes later', async () => {
  const { open, build, ask, pass } = await cacheGround(driver, stateDir)
  const [one, other] = [await open(), await open()]
  await build(one, 'a')
  ask(one, 'a')
  await one.tidy()
  for (let use = 0; use < 4; use += 1) ask(other, 'a')
  await other.close()
  const usesSeen = async () => (await one.kept()).map(({ uses }) => uses)
  assert.deepEqual(await usesSeen(), [1])
  pass(11 * minute)
  assert.deepEqual(await usesSeen(), [5])
  await one.close()
})

test('on a disk so full that nothing can be noted, images go all the same', async () => {
  const disk = smallDisk()
  const { open, build, ask, names, path } = await cacheGround(driver, stateDir, { freeShare: 0.25, space: disk.space })
  const cache = await open()
  for (const repo of ['a', 'b']) await build(cache, repo)
  ask(cache, 'a')
  await cache.tidy()
  rmSync(`${path}/usage`, { recursive: true })
  writeFileSync(`${path}/usage`, 'no folder')
  ask(cache, 'b')
  disk.fill(true)
  await assert.rejects(cache.tidy(), { code: 'ENOTDIR' })
  assert.deepEqual(await names(cache), [])
  await cache.close()
})

test('what another process removed has nothing waiting for it, and takes no room', async () => {
  const { open, build, ask, names, ended } = await cacheGround(driver, stateDir)
  const [one, other] = [await open(), await open()]
  const image = await build(one, 'a')
  ask(one, 'a')
  assert.deepEqual(await names(other), ['a'])
  await one.forget(image)
  assert.deepEqual(ended, [])
  await other.tidy()
  assert.deepEqual([await names(other), ended], [[], [image]])
  await Promise.all([one.close(), other.close()])
})

test('of one repository so many images are kept, whatever was asked of it', async () => {
  const { open, build, directory } = await cacheGround(driver, stateDir)
  const cache = await open()
  const images: string[] = []
  for (let tip = 0; tip < 18; tip += 1) images.push(await build(cache, 'a', [String(tip)]))
  await cache.tidy()
  assert.deepEqual(
    (await directory.find('a')).map(({ id }) => id),
    images.slice(2).toReversed(),
  )
  await cache.close()
})
