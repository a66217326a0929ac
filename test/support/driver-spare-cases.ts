import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SandboxRecord, SandboxSpec, Spare } from '../../src/sandbox/contract.ts'
import type { DriverCases } from './driver-cases.ts'
import { shell, specOf } from './local-sandboxes.ts'

const signal = new AbortController().signal

/** Sandboxes that are made before anybody asks for them. */
export function spareCases({ driver, create, processes }: DriverCases): void {
  const spare = (spec: Partial<SandboxSpec> = {}): Promise<Spare> =>
    driver().createSpare(specOf({ metadata: { purpose: 'to wait' }, ...spec }), { signal })

  async function records(): Promise<readonly SandboxRecord[]> {
    const found: SandboxRecord[] = []
    for await (const record of driver().sandboxes()) found.push(record)
    return found
  }
  const purposes = async (): Promise<readonly (string | undefined)[]> =>
    (await records()).map(({ metadata }) => metadata['purpose']).filter((purpose) => purpose !== undefined)

  for (const upper of ['memory', 'disk'] as const) {
    test(`a spare with its upper on ${upper} becomes a sandbox like any other, noted as whoever takes it says`, async () => {
      const waiting = await spare({ upper })
      assert.deepEqual([waiting.isAlive, waiting.upper], [true, upper])
      assert.deepEqual(await purposes(), ['to wait'])
      const sandbox = waiting.lend({ purpose: 'to work' }) ?? assert.fail()
      assert.deepEqual(await purposes(), ['to work'])
      assert.equal(await shell(sandbox, 'echo here >file; cat file'), 'here\n')
      await sandbox.destroy()
      assert.equal(waiting.isAlive, false)
      assert.deepEqual(await purposes(), [])
    })
  }

  test('a spare begins with the files of its image, and once lent it can be frozen and forked', async () => {
    const builder = await create()
    await shell(builder, 'echo of the image >file')
    await driver().freeze(builder, 'img_of_spares')
    const [one, two] = await Promise.all([spare({ image: 'img_of_spares' }), spare({ image: 'img_of_spares' })])
    const [first, second] = [one.lend({}) ?? assert.fail(), two.lend({}) ?? assert.fail()]
    await shell(first, 'echo of the first >>file')
    assert.equal(await shell(second, 'cat file'), 'of the image\n')
    const [fork = assert.fail()] = await driver().fork(first, 1, { signal, metadata: () => ({}) })
    assert.equal(await shell(fork, 'cat file'), 'of the image\nof the first\n')
    await driver().freeze(first, 'img_of_a_spare')
    const again = await create({ image: 'img_of_a_spare' })
    assert.equal(await shell(again, 'cat file'), 'of the image\nof the first\n')
    await Promise.all([fork, second, again].map((sandbox) => sandbox.destroy()))
    for (const image of ['img_of_spares', 'img_of_a_spare']) await driver().drop(image)
  })

  test('a spare whose processes were killed is known to be gone, is not lent, and leaves nothing once destroyed', async () => {
    const before = await records()
    const others = processes()
    const waiting = await spare({ upper: 'memory' })
    for (const pid of processes().filter((pid) => !others.includes(pid))) process.kill(pid, 'SIGKILL')
    while (waiting.isAlive) await new Promise((resolve) => setImmediate(resolve))
    assert.throws(() => waiting.lend({}), { code: 'sandbox_lost' })
    await waiting.destroy()
    assert.deepEqual(await records(), before)
  })

  test('a spare that was destroyed is not lent any more', async () => {
    const waiting = await spare()
    await Promise.all([waiting.destroy(), waiting.destroy()])
    assert.equal(waiting.isAlive, false)
    assert.throws(() => waiting.lend({}), { code: 'sandbox_lost' })
  })

  test('who gave up before gets no spare, and of an image that is not there none is made', async () => {
    await assert.rejects(driver().createSpare(specOf(), { signal: AbortSignal.abort() }), { code: 'canceled' })
    await assert.rejects(spare({ image: 'img_nowhere' }), { code: 'image_not_found' })
    assert.deepEqual(await purposes(), [])
  })
}
