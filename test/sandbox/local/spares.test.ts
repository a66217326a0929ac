import assert from 'node:assert/strict'
import { totalmem } from 'node:os'
import { test, type TestContext } from 'node:test'
import type { Sandbox, SandboxDriver, Spare } from '../../../src/sandbox/contract.ts'
import { hasMemoryUppers } from '../../../src/sandbox/local/host-programs.ts'
import type { LocalSandbox } from '../../../src/sandbox/local/sandbox.ts'
import { enterableFolder, openDriver, specOf } from '../../support/local-sandboxes.ts'
import { tracesOf } from '../../support/traces.ts'

const signal = new AbortController().signal
const each = 64 * 1024 ** 2
const spec = specOf({ upper: 'memory', limits: { diskBytes: each } })
/** Where uppers are in memory, where the host has that. */
const memory = hasMemoryUppers() ? 'memory' : 'disk'

const upperOf = (sandbox: Sandbox): string => (sandbox as LocalSandbox).upper

/** A driver in whose memory so many uppers find room. */
async function withRoomFor(t: TestContext, uppers: number): Promise<{ driver: SandboxDriver; stateDir: string }> {
  const stateDir = `${enterableFolder()}/state`
  const memoryUppersShare = ((uppers + 0.5) * each) / totalmem()
  const driver = await openDriver(stateDir, { memoryUppersShare })
  t.after(() => driver.close())
  return { driver, stateDir }
}

test('spares send nobody to disk who would not have been there without them', async (t) => {
  const { driver, stateDir } = await withRoomFor(t, 2)
  const spares = await Promise.all([1, 2, 3].map(() => driver.createSpare(spec, { signal })))
  assert.deepEqual(spares.map(({ upper }) => upper).toSorted(), ['disk', memory, memory].toSorted())
  const sandboxes = [await driver.create(spec, { signal }), await driver.create(spec, { signal })]
  assert.deepEqual(sandboxes.map(upperOf), [memory, memory])
  await Promise.all([...spares, ...sandboxes].map((one) => one.destroy()))
  assert.deepEqual(tracesOf(stateDir), [])
})

test('a spare claims memory when it is lent, and only where there is room for all that it may hold', async (t) => {
  const { driver } = await withRoomFor(t, 1)
  const [first, second] = [await driver.createSpare(spec, { signal }), await driver.createSpare(spec, { signal })]
  assert.deepEqual([first.upper, second.upper], [memory, 'disk'])
  const taken = await driver.create(spec, { signal })
  assert.equal(upperOf(taken), memory)
  if (memory === 'memory') assert.equal(first.lend({}), null)
  assert(first.isAlive)
  assert.equal(upperOf(second.lend({}) ?? assert.fail()), 'disk')
  await taken.destroy()
  assert.equal(upperOf(first.lend({}) ?? assert.fail()), memory)
  assert.equal(upperOf(await driver.create(spec, { signal })), 'disk')
})

test('one of a kind waits in memory even while that is full, because room may come free', async (t) => {
  const { driver } = await withRoomFor(t, 1)
  const taken = await driver.create(spec, { signal })
  const spares: Spare[] = []
  for (let count = 0; count < 3; count += 1) spares.push(await driver.createSpare(spec, { signal }))
  assert.deepEqual(
    spares.map(({ upper }) => upper),
    [memory, 'disk', 'disk'],
  )
  await spares[0]?.destroy()
  assert.equal((await driver.createSpare(spec, { signal })).upper, memory)
  await taken.destroy()
})

test('where memory could never hold it, a spare waits on disk, and a disk upper is never in memory', async (t) => {
  const { driver } = await withRoomFor(t, 0)
  assert.equal((await driver.createSpare(spec, { signal })).upper, 'disk')
  assert.equal((await driver.createSpare(specOf({ limits: { diskBytes: 1 } }), { signal })).upper, 'disk')
})
