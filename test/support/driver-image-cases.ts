import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { Sandbox } from '../../src/sandbox/contract.ts'
import type { DriverCases } from './driver-cases.ts'
import { run, shell } from './local-sandboxes.ts'
import { forgeAttributes, steps, tree } from './overlay-work.ts'

const newId = (): string => `img_${randomUUID()}`

/** Freezing, forking, dropping. */
export function imageCases({ driver, reopen, create }: DriverCases): void {
  async function freeze(script: string, from: string | null = null): Promise<string> {
    const sandbox = await create({ image: from })
    await shell(sandbox, script)
    return (await driver().freeze(sandbox, newId())).id
  }

  test('a frozen sandbox is an image and nothing else', async () => {
    const sandbox = await create()
    await shell(sandbox, 'echo frozen >file')
    const id = newId()
    const image = await driver().freeze(sandbox, id)
    assert.equal(image.id, id)
    await driver().synced()
    assert.ok(((await driver().image(image.id)).bytes ?? 0) > 0)
    assert.ok((await driver().images()).some((known) => known.id === id))
    await assert.rejects(async () => run(sandbox, ['true']), { code: 'sandbox_lost' })
    await assert.rejects(driver().freeze(sandbox, newId()), { code: 'sandbox_lost' })
    await sandbox.destroy()
    const fork = await create({ image: id, upper: 'memory' })
    assert.equal(fork.image, id)
    assert.equal(await shell(fork, 'cat file'), 'frozen\n')
    await fork.destroy()
    await driver().drop(id)
  })

  test('a sandbox whose changes are in memory cannot be frozen, and goes on', async () => {
    const sandbox = await create({ upper: 'memory' })
    await assert.rejects(driver().freeze(sandbox, newId()), { code: 'not_freezable' })
    assert.equal(await shell(sandbox, 'echo on'), 'on\n')
    await sandbox.destroy()
  })

  test('forks of an image see neither each other nor change the image', async () => {
    const id = await freeze('mkdir -p dir/sub; echo original >dir/file; echo gone >dir/gone; ln -s dir link')
    const witness = await create({ image: id, upper: 'memory' })
    const before = await tree(witness)
    const forks = await Promise.all(
      (['memory', 'disk', 'memory'] as const).map((upper) => create({ image: id, upper })),
    )
    await Promise.all(
      forks.map((fork, index) => shell(fork, `echo ${index} >dir/file; echo ${index} >own-${index}; rm dir/gone link`)),
    )
    for (const [index, fork] of forks.entries())
      assert.equal(await shell(fork, 'cat dir/file; ls'), `${index}\ndir\nown-${index}\n`)
    const frozen = await driver().freeze(forks[1] as Sandbox, newId())
    assert.equal(await tree(witness), before)
    const later = await create({ image: id, upper: 'memory' })
    assert.equal(await tree(later), before)
    for (const sandbox of [witness, later, ...forks]) await sandbox.destroy()
    await driver().drop(frozen.id)
    await driver().drop(id)
  })

  test('a stack of frozen changes is what the same changes make in one place', async () => {
    const plain = await create({ upper: 'memory' })
    const images: string[] = []
    for (const step of steps) {
      await shell(plain, step)
      const expected = await tree(plain)
      images.push(await freeze(step, images.at(-1) ?? null))
      const fork = await create({ image: images.at(-1) ?? null, upper: 'memory' })
      assert.equal(await tree(fork), expected, step)
      await fork.destroy()
    }
    await plain.destroy()
    for (const image of images) await driver().drop(image)
  })

  test('attributes that a program forges do not steer the overlay of later forks', async () => {
    const below = await freeze('mkdir dir other; echo below >dir/below; echo other >other/file')
    const sandbox = await create({ image: below })
    await shell(sandbox, 'echo own >dir/own')
    await run(sandbox, ['perl', '-e', forgeAttributes])
    const image = await driver().freeze(sandbox, newId())
    const fork = await create({ image: image.id, upper: 'memory' })
    assert.equal(await shell(fork, 'cat dir/below dir/own other/file; ls dir'), 'below\nown\nother\nbelow\nown\n')
    await fork.destroy()
    await driver().drop(image.id)
    await driver().drop(below)
  })

  test('forks of a dropped image go on, and can be frozen themselves', async () => {
    const id = await freeze('echo kept >file')
    const fork = await create({ image: id })
    await driver().drop(id)
    assert.ok(!(await driver().images()).some((image) => image.id === id))
    await assert.rejects(create({ image: id }), { code: 'image_not_found' })
    assert.equal(await shell(fork, 'cat file'), 'kept\n')
    const child = await driver().freeze(fork, newId())
    const grandchild = await create({ image: child.id, upper: 'memory' })
    assert.equal(await shell(grandchild, 'cat file'), 'kept\n')
    await grandchild.destroy()
    await driver().drop(child.id)
  })

  test('an image weighs what its removal gives back, also layers of images below it that are gone', async () => {
    const lower = await freeze('head -c 300000 /dev/urandom >lower')
    const middle = await freeze('head -c 200000 /dev/urandom >middle', lower)
    const upper = await freeze('head -c 100000 /dev/urandom >upper', middle)
    const weights = await Promise.all([lower, middle, upper].map((id) => driver().weigh(id)))
    const [first = 0, second = 0, third = 0] = weights
    for (const [at, least] of [300_000, 200_000, 100_000].entries()) assert.ok((weights[at] ?? 0) >= least)
    await driver().drop(lower)
    assert.deepEqual([await driver().weigh(middle), await driver().weigh(upper)], [first + second, third])
    await driver().drop(middle)
    assert.equal(await driver().weigh(upper), first + second + third)
    assert.equal((await driver().image(upper)).bytes, first + second + third)
    await driver().drop(upper)
    await assert.rejects(driver().weigh(upper), { code: 'image_not_found' })
  })

  test("what is free where images lie is told, unless that is somebody else's", async () => {
    const space = await driver().space()
    assert.ok(space === null || (space.freeBytes > 0 && space.freeBytes <= space.totalBytes))
  })

  test('an image that does not exist cannot be forked or dropped, whatever its name', async () => {
    for (const id of ['img_unknown', '', '..', '../run', '/', 'a:b', 'a,b', 'a\0b', 'x'.repeat(10_000)]) {
      await assert.rejects(create({ image: id }), { code: 'image_not_found' })
      await assert.rejects(driver().drop(id), { code: 'image_not_found' })
    }
  })

  test('images outlive the driver that made them', async () => {
    const id = await freeze('echo kept >file')
    await driver().synced()
    const later = await reopen()
    assert.ok((await later.images()).some((image) => image.id === id))
    const fork = await later.create(
      { image: id, upper: 'memory', network: 'none', metadata: {}, limits: forkLimits },
      { signal: new AbortController().signal },
    )
    assert.equal(await shell(fork, 'cat file'), 'kept\n')
    await later.close()
    await assert.rejects(async () => run(fork, ['true']), { code: 'sandbox_lost' })
    await driver().drop(id)
    assert.ok(!(await later.images()).some((image) => image.id === id))
  })
}

const forkLimits = { diskBytes: 1 << 20, inodes: 1000, memoryBytes: 1 << 28, processes: 32, cpus: 1 }
