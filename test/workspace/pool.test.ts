import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { collectPhases, onSpan } from '../../src/core/spans.ts'
import { shell } from '../support/local-sandboxes.ts'
import { blank, forkOfImage, poolGround } from '../support/pool-ground.ts'
import { processesOf, tracesOf } from '../support/traces.ts'

const signal = new AbortController().signal

test('a sandbox that waits is taken, noted as its taker says, and another one takes its place', async (t) => {
  const { take, untilWaiting, records } = await poolGround(t)
  const first = await take(blank)
  assert.equal(first.isWarm, false)
  await untilWaiting(3)
  const roles = async (): Promise<readonly string[]> =>
    (await records()).map(({ metadata }) => String(metadata['role'])).toSorted()
  assert.deepEqual(await roles(), ['builder', 'pool', 'pool', 'pool'])
  const second = await take({ ...blank, metadata: { role: 'another' } })
  assert.equal(second.isWarm, true)
  assert.deepEqual(await roles(), ['another', 'builder', 'pool', 'pool'])
  await untilWaiting(3)
  for (const { sandbox } of [first, second]) assert.equal(await shell(sandbox, 'echo made >file; ls'), 'file\n')
})

test('forks of an image wait from its second taker on, and begin with its files alone', async (t) => {
  const { pool, take, untilWaiting } = await poolGround(t)
  const first = await take(forkOfImage)
  await shell(first.sandbox, 'echo changed >file; echo more >other')
  // Nothing is due, and the driver is at rest: what is made in advance would have begun.
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([pool.figures.target, pool.figures.waiting], [0, 0])
  const second = await take(forkOfImage)
  await untilWaiting(3)
  const third = await take(forkOfImage)
  assert.deepEqual([first.isWarm, second.isWarm, third.isWarm], [false, false, true])
  assert.equal(await shell(third.sandbox, 'ls; cat file'), 'file\nof the image\n')
})

test('a burst of 20 on a pool of 3 loses none, and the pool is full again', async (t) => {
  const { pool, take, untilWaiting } = await poolGround(t)
  for (let count = 0; count < 2; count += 1) await (await take(forkOfImage)).sandbox.destroy()
  await untilWaiting(3)
  const taken = await Promise.all(Array.from({ length: 20 }, () => take(forkOfImage)))
  assert.equal(new Set(taken.map(({ sandbox }) => sandbox.id)).size, 20)
  assert.equal(taken.filter(({ isWarm }) => isWarm).length, 3)
  const said = await Promise.all(taken.map(({ sandbox }) => shell(sandbox, 'cat file')))
  assert.deepEqual(new Set(said), new Set(['of the image\n']))
  await untilWaiting(3)
  const { hits, misses, target } = pool.figures
  assert.deepEqual([hits, misses, target], [3, 19, 3])
})

test('a sandbox whose processes were killed while it waited is not handed out, and leaves nothing', async (t) => {
  const { pool, stateDir, spares, take, untilWaiting } = await poolGround(t, { base: 1 })
  await (await take(blank)).sandbox.destroy()
  await untilWaiting(1)
  for (const pid of processesOf(stateDir)) process.kill(pid, 'SIGKILL')
  while (spares.some(({ isAlive }) => isAlive)) await new Promise((resolve) => setImmediate(resolve))
  const { sandbox, isWarm } = await take(blank)
  assert.equal(isWarm, false)
  assert.equal(await shell(sandbox, 'echo alive'), 'alive\n')
  await sandbox.destroy()
  await pool.close()
  assert.deepEqual(tracesOf(stateDir), [])
})

test('what nobody asks for is given up after its age, and the time it waited is told', async (t) => {
  const { pool, stateDir, pass, take, untilWaiting } = await poolGround(t)
  const told: number[] = []
  t.after(onSpan(({ name, attributes }) => void (name === 'discard' && told.push(attributes.idleMs ?? 0))))
  await (await take(blank)).sandbox.destroy()
  await untilWaiting(3)
  pass(60_000)
  assert.deepEqual([pool.figures.waiting, pool.figures.target], [3, 3])
  pass(6_000)
  assert.deepEqual([pool.figures.waiting, pool.figures.target], [0, 0])
  assert.equal(pool.figures.wastedIdleSeconds, 3 * 66)
  await pool.close()
  assert.deepEqual(told, [66_000, 66_000, 66_000])
  assert.deepEqual(tracesOf(stateDir), [])
})

test('one that waits too long is replaced while its kind is still asked for', async (t) => {
  const { pool, spares, pass, take, untilWaiting } = await poolGround(t, { base: 2 })
  await take(blank)
  await untilWaiting(2)
  pass(50_000)
  await take(blank)
  await untilWaiting(2)
  pass(12_000)
  await untilWaiting(2)
  // Of the first two one was taken, the other one has been replaced.
  assert.deepEqual(
    spares.map(({ isAlive }) => isAlive),
    [true, false, true, true],
  )
  assert.equal(pool.figures.wastedIdleSeconds, 62)
})

test('an image that goes away takes with it what waits of it and what is being made', async (t) => {
  const { pool, driver, stateDir, take, untilWaiting } = await poolGround(t)
  for (let count = 0; count < 2; count += 1) await (await take(forkOfImage)).sandbox.destroy()
  await untilWaiting(1)
  await driver.drop('img_pooled')
  await pool.forget('img_pooled')
  assert.deepEqual([pool.figures.waiting, pool.figures.target], [0, 0])
  assert.deepEqual(tracesOf(stateDir), [])
  assert.deepEqual(readdirSync(`${stateDir}/layers`), ['empty'])
  await assert.rejects(take(forkOfImage), { code: 'image_not_found' })
})

test('a pool that is closed while it makes sandboxes leaves none of them', async (t) => {
  for (let ticks = 0; ticks < 12; ticks += 1) {
    const { pool, stateDir, take } = await poolGround(t)
    await (await take(blank)).sandbox.destroy()
    for (let tick = 0; tick < ticks; tick += 1) await new Promise((resolve) => setImmediate(resolve))
    await pool.close()
    assert.deepEqual(tracesOf(stateDir), [])
    t.mock.timers.reset()
  }
})

test('who gave up takes nothing and is not counted', async (t) => {
  const { pool, take, untilWaiting } = await poolGround(t)
  await take(blank)
  await untilWaiting(3)
  await assert.rejects(pool.take(blank, { signal: AbortSignal.abort() }), { code: 'canceled' })
  const { waiting, hits, misses } = pool.figures
  assert.deepEqual([waiting, hits, misses], [3, 0, 1])
})

test('kinds share one bound, and the one that is asked for now is served before the others', async (t) => {
  const { pool, pass, take, untilWaiting } = await poolGround(t, { base: 2, maxAll: 3 })
  await take(blank)
  await untilWaiting(2)
  pass(10_000)
  for (let count = 0; count < 2; count += 1) await take(forkOfImage)
  await untilWaiting(3)
  assert.deepEqual([pool.figures.waiting, pool.figures.target], [3, 3])
  const taken = [await take(forkOfImage), await take(forkOfImage), await take(blank), await take(blank)]
  assert.deepEqual(
    taken.map(({ isWarm }) => isWarm),
    [true, true, true, false],
  )
})

test('what is made in advance is no part of the request after which it is made', async (t) => {
  const { take, untilWaiting } = await poolGround(t)
  await collectPhases(async (phases) => {
    await take(blank)
    const own = phases()
    assert.deepEqual(
      own.map(({ name }) => name),
      ['take', 'fork'],
    )
    await untilWaiting(3)
    assert.deepEqual(phases(), own)
  })
})

test('of kinds that were asked for the oldest are forgotten, so that no caller fills the memory', async (t) => {
  const { pool, take } = await poolGround(t)
  const nowhere = (at: number): Promise<void> =>
    assert.rejects(take({ ...forkOfImage, image: `img_${at}` }), { code: 'image_not_found' })
  for (let at = 0; at <= 256; at += 1) await nowhere(at)
  await nowhere(0)
  assert.equal(pool.figures.target, 0)
  await nowhere(256)
  assert.equal(pool.figures.target, 3)
})

test('kinds differ in what sandboxes are made of, and in nothing else', async (t) => {
  const { take, untilWaiting } = await poolGround(t, { base: 1 })
  await take(blank)
  await untilWaiting(1)
  const { limits } = blank
  for (const other of [
    { ...blank, network: 'host' as const },
    { ...blank, upper: 'memory' as const },
    { ...blank, limits: { ...limits, processes: limits.processes + 1 } },
    { ...blank, image: 'img_pooled' },
  ])
    assert.equal((await take(other)).isWarm, false)
  assert.equal((await take({ ...blank, metadata: { any: 'thing' } })).isWarm, true)
})

test('with size 0 nothing is made that nobody asked for', async (t) => {
  const { pool, driver, take, records } = await poolGround(t, { base: 0 })
  const spares = t.mock.method(driver, 'createSpare')
  for (let count = 0; count < 3; count += 1) assert.equal((await take(blank)).isWarm, false)
  await pool.forget('img_pooled')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(spares.mock.callCount(), 0)
  assert.equal((await records()).length, 3)
  assert.equal(signal.aborted, false)
})
