import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { compose, type Composed } from '../../src/compose.ts'
import { finish } from '../../src/core/exec.ts'
import type { SharedState, Workspace } from '../../src/engine/contract.ts'
import { makeGround } from '../support/engine-repository.ts'
import { shell } from '../support/in-workspace.ts'
import { leftovers } from '../support/leftovers.ts'
import { makeRepository } from '../support/repository.ts'

const ground = makeGround(async (source) => {
  await source.commit({ files: { 'README.md': '# Ground\n', 'src/a.txt': 'a\n' } })
  await source.commit({ files: { 'src/a.txt': 'a\nb\n' } })
  await source.branch('topic', 'main')
  await source.tag('v1')
})

/** Parts with a pool, as a service has them. */
let service: Composed
/** The same without one. */
let plain: Composed
before(async () => {
  const { settings } = ground.home
  service = await compose({ ...settings, poolSize: 2 }, {}, { allowLocal: true, hasPool: true })
  plain = await compose({ ...settings, poolSize: 2 }, {})
})
after(async () => {
  await Promise.all([service.engine.close(), plain.engine.close()])
  assert.deepEqual(leftovers(ground.home), [])
})

async function poolOf({ engine }: Composed): Promise<SharedState['pool']> {
  return (await engine.state()).shared?.pool ?? assert.fail()
}

/** Waits until of each kind that is asked for there are as many as there should be. */
async function untilFull(): Promise<void> {
  for (let pool = await poolOf(service); pool.waiting < pool.target; pool = await poolOf(service))
    await new Promise((resolve) => setImmediate(resolve))
}

/** Opens workspaces until forks of the image wait. */
async function untilWarm(): Promise<void> {
  for (let count = 0; count < 2; count += 1) await (await service.engine.open({ repo: ground.repo })).close()
  await untilFull()
}

/** All that git and a program see of a workspace. */
const look = `git status --porcelain=v2 --branch; git for-each-ref; git symbolic-ref HEAD; git config --list --show-origin
find . -path ./.git -prune -o -type f -print -exec cat {} +; ls -A . .git /home /tmp /dev/shm; git stash list; git log`

const environment = 'env | grep -v PARENT_SID | sort'

test('a workspace of the pool is the same as one that is made when it is asked for, on branch, tag and commit', async () => {
  await untilWarm()
  const commit = await ground.source.git(['rev-parse', 'main'])
  for (const ref of ['HEAD', 'topic', 'v1', commit]) {
    await untilFull()
    const [ready, made] = [
      await service.engine.open({ repo: ground.repo, ref }),
      await plain.engine.open({ repo: ground.repo, ref }),
    ]
    assert.deepEqual([ready.receipt.tier, made.receipt.tier], ['pool', 'image'])
    assert.equal(await shell(ready, look), await shell(made, look), ref)
    const { phases: _, correlationId: __, tier: ___, ...said } = ready.receipt
    const { phases: ____, correlationId: _____, tier: ______, ...expected } = made.receipt
    assert.deepEqual({ ...said, stalenessMs: 0 }, { ...expected, stalenessMs: 0 })
    assert(
      ready.receipt.phases.some(({ name }) => name === 'take') &&
        made.receipt.phases.every(({ name }) => name !== 'take'),
    )
    await Promise.all([ready.close(), made.close()])
  }
})

test('what one taker leaves behind, the next one never sees', async () => {
  await untilWarm()
  const first = await service.engine.open({ repo: ground.repo })
  const before = await shell(first, look)
  await shell(
    first,
    `echo mine >secret; echo changed >>README.md; git add .; git commit --quiet -m mine; git branch mine; git stash list
    git config user.name somebody; echo kept >/tmp/kept; echo home >/home/kept; echo shm >/dev/shm/kept`,
  )
  await first.close()
  for (let turn = 0; turn < 4; turn += 1) {
    await untilFull()
    const next = await service.engine.open({ repo: ground.repo })
    assert.equal(next.receipt.tier, 'pool')
    assert.equal(await shell(next, look), before)
    await next.close()
  }
})

test('programs in throw-away forks are served by the pool, with the environment they always have', async () => {
  await untilWarm()
  const run = async ({ engine }: Composed): Promise<{ said: string; tier: string }> => {
    const { running, receipt } = await engine.exec({ repo: ground.repo, argv: ['sh', '-c', environment] })
    const { code, stdout } = await finish(running)
    assert.equal(code, 0)
    return { said: stdout.toString(), tier: (await receipt).tier }
  }
  const [ready, made] = [await run(service), await run(plain)]
  assert.deepEqual([ready.tier, made.tier], ['pool', 'image'])
  assert.equal(ready.said, made.said)
})

test('environment values of callers play no part in what waits', async () => {
  await untilWarm()
  const workspace = await service.engine.open({ repo: ground.repo })
  const { running, receipt } = await workspace.exec({ argv: ['env'], env: { SECRET: 'of one caller' } })
  assert.match((await finish(running)).stdout.toString(), /^SECRET=of one caller$/m)
  await receipt
  await workspace.close()
  await untilFull()
  const next = await service.engine.open({ repo: ground.repo })
  assert.equal(next.receipt.tier, 'pool')
  assert.doesNotMatch(await shell(next, 'env; cat /proc/*/environ'), /SECRET/)
  await next.close()
})

test('a workspace of the pool can be forked, and its forks begin with what was changed', async () => {
  await untilWarm()
  const workspace = await service.engine.open({ repo: ground.repo })
  assert.equal(workspace.receipt.tier, 'pool')
  await shell(workspace, 'echo more >more')
  const [fork = assert.fail()] = await workspace.fork({ count: 1 })
  assert.equal(await shell(fork, 'cat more'), 'more\n')
  await Promise.all([workspace.close(), fork.close()])
})

test('an image that is dropped takes with it what waits of it', async () => {
  const other = await makeRepository(`${ground.home.dir}/dropped.git`, { bare: true })
  await other.commit({ files: { a: 'a\n' } })
  const repo = ground.server.url('dropped')
  const opened: Workspace[] = []
  for (let count = 0; count < 2; count += 1) opened.push(await service.engine.open({ repo }))
  await Promise.all(opened.map((workspace) => workspace.close()))
  // Forks of this image, and builders that begin with nothing.
  await untilFull()
  const { target } = await poolOf(service)
  const image = (await service.engine.images()).find((one) => one.repo === repo) ?? assert.fail()
  await service.engine.drop(image.id)
  const left = await poolOf(service)
  assert.deepEqual([left.target, left.waiting], [target - 2, target - 2])
  const again = await service.engine.open({ repo })
  assert.equal(again.receipt.tier, 'clone')
  await again.close()
})

test('images of new repositories are built in sandboxes that wait, and that changes nothing about them', async () => {
  const make = async (name: string): Promise<string> => {
    const source = await makeRepository(`${ground.home.dir}/${name}.git`, { bare: true })
    await source.commit({ files: { a: `${name}\n` } })
    return ground.server.url(name)
  }
  await service.engine.warm({ repo: await make('first') })
  const { hits } = await poolOf(service)
  await untilFull()
  const repo = await make('second')
  await service.engine.warm({ repo })
  assert.equal((await poolOf(service)).hits, hits + 1)
  const workspace = await service.engine.open({ repo })
  assert.equal(await shell(workspace, 'cat a; git status --porcelain; git fsck'), 'second\n')
  await workspace.close()
})

test('where there is no pool, or its size is 0, nothing is made that nobody asked for', async (t) => {
  const none = await compose({ ...ground.home.settings, poolSize: 0 }, {}, { allowLocal: true, hasPool: true })
  try {
    for (const { driver, engine } of [plain, none]) {
      const spares = t.mock.method(driver, 'createSpare')
      const made = t.mock.method(driver, 'create')
      for (let count = 0; count < 3; count += 1) await (await engine.open({ repo: ground.repo })).close()
      assert.deepEqual([spares.mock.callCount(), made.mock.callCount()], [0, 3])
      assert.equal((await engine.open({ repo: ground.repo })).receipt.tier, 'image')
    }
    assert.deepEqual(await poolOf(none), { waiting: 0, target: 0, hits: 0, misses: 0, wastedIdleSeconds: 0 })
  } finally {
    await none.engine.close()
  }
})

test('an engine that closes while its pool is being filled leaves nothing, whenever that is', async () => {
  await Promise.all([service.engine.close(), plain.engine.close()])
  for (let ticks = 0; ticks < 8; ticks += 1) {
    const { engine } = await compose({ ...ground.home.settings, poolSize: 2 }, {}, { allowLocal: true, hasPool: true })
    for (let count = 0; count < 2; count += 1) await engine.open({ repo: ground.repo })
    for (let tick = 0; tick < ticks; tick += 1) await new Promise((resolve) => setImmediate(resolve))
    await engine.close()
    // What was put off is done now, if it is done at all.
    for (let tick = 0; tick < 8; tick += 1) await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(leftovers({ settings: ground.home.settings }), [])
  }
})
