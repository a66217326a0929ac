import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../src/core/errors.ts'
import type { SandboxDriver } from '../../src/sandbox/contract.ts'
import { shell } from '../support/local-sandboxes.ts'
import { blank, forkOfImage, poolGround } from '../support/pool-ground.ts'

const rest = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('where the driver has no room, what waits is given up for whoever asks, who is served then', async (t) => {
  const { pool, driver, pass, take, untilWaiting } = await poolGround(t)
  await take(blank)
  await untilWaiting(3)
  const create = driver.create.bind(driver)
  const full = t.mock.method(driver, 'create', (...given: Parameters<SandboxDriver['create']>) =>
    pool.figures.waiting > 0
      ? Promise.reject(new AppError('over_capacity', 'Cannot make a sandbox: full'))
      : create(...given),
  )
  const { sandbox, isWarm } = await take({ ...blank, network: 'host' })
  assert.deepEqual([isWarm, full.mock.callCount(), pool.figures.waiting], [false, 2, 0])
  assert.equal(await shell(sandbox, 'echo served'), 'served\n')
  // Until room has come free, nothing is made in advance again.
  await take(blank)
  await rest()
  assert.equal(pool.figures.waiting, 0)
  pass(5_000)
  await untilWaiting(6)
})

test("what cannot be made in advance is nobody's failure, and is tried again once its pause is over, not at once", async (t) => {
  const { pool, driver, pass, take, untilWaiting } = await poolGround(t)
  const failing = t.mock.method(driver, 'createSpare', () =>
    Promise.reject(new AppError('sandbox_failed', 'Cannot make a sandbox: not today')),
  )
  const tries = (): number => failing.mock.callCount()
  await take(blank)
  while (tries() < 2) await rest()
  await take(blank)
  await rest()
  assert.equal(tries(), 2)
  // Two at once, after a longer pause each time; nobody has to ask.
  for (const [ms, expected] of [
    [1_000, 4],
    [1_000, 4],
    [1_000, 6],
  ] as const) {
    pass(ms)
    await rest()
    assert.equal(tries(), expected)
  }
  failing.mock.restore()
  assert.equal((await take(blank)).isWarm, false)
  pass(8_000)
  await untilWaiting(3)
  assert.deepEqual([(await take(blank)).isWarm, pool.figures.hits], [true, 1])
})

test('a kind that cannot be made in advance keeps no other kind from it', async (t) => {
  const { driver, take, untilWaiting } = await poolGround(t)
  const make = driver.createSpare.bind(driver)
  const failing = t.mock.method(driver, 'createSpare', (...given: Parameters<SandboxDriver['createSpare']>) =>
    given[0].network === 'host'
      ? Promise.reject(new AppError('sandbox_failed', 'Cannot make a sandbox: not of this kind'))
      : make(...given),
  )
  await take({ ...blank, network: 'host' })
  while (failing.mock.callCount() < 2) await rest()
  await take(blank)
  await untilWaiting(3)
})

test('an image that another process removed is forgotten with the first sandbox that cannot be made of it', async (t) => {
  const { pool, driver, take } = await poolGround(t)
  await take(forkOfImage)
  await driver.drop('img_pooled')
  await assert.rejects(take(forkOfImage), { code: 'image_not_found' })
  assert.equal(pool.figures.target, 3)
  while (pool.figures.target > 0) await rest()
})
