import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { finish } from '../../src/core/exec.ts'
import type { Engine, Receipt } from '../../src/engine/contract.ts'
import { maxLayers } from '../../src/workspace/plan.ts'
import { makeHome } from '../support/engine-home.ts'
import { imageComplaints } from '../support/fsck-images.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { leftovers } from '../support/leftovers.ts'
import { comparedWork, work } from '../support/random-work.ts'
import { makeRepository, type Repository } from '../support/repository.ts'

const home = makeHome({ resultCacheBytes: 0 })
let server: GitServer
let engine: Engine
let source: Repository
let repo: string

before(async () => {
  source = await makeRepository(`${home.dir}/moving.git`, { bare: true })
  await source.commit({
    files: { a: '0\n', 'b.o': '0\n', 'd/a': '0\n', 'd/s/a': '0\n', 'd/s/b': '0\n', 'e/a': '0\n', 'f/g/h/a': '0\n' },
  })
  server = await startGitServer({ root: home.dir })
  repo = server.url('moving')
  engine = await home.open()
})
after(() => server.close())

async function status(ref = 'main'): Promise<Receipt> {
  const { value, receipt } = await engine.run('status', { repo, ref })
  const { clean, entries } = value as { clean: boolean; entries: unknown[] }
  assert.deepEqual([clean, entries], [true, []])
  return receipt
}

async function inFork(argv: readonly string[]): Promise<string> {
  const { running, receipt } = await engine.exec({ repo, argv })
  const { code, stdout, stderr } = await finish(running)
  assert.equal(code, 0, `${stdout.toString('latin1')}${stderr.toString()}`)
  await receipt
  return stdout.toString()
}

test('each push is brought as a delta to the newest image until the stack is tall; then one layer takes its place', async () => {
  const pushed: string[] = [(await status()).commit]
  const tiers: string[] = []
  for (let push = 1; push <= maxLayers + 1; push += 1) {
    const id = await source.commit({
      files: { 'd/a': `${push}\n`, [`new/${push}`]: 'new\n', 'f/g/h/a': push % 2 === 0 ? '0\n' : { symlink: 'x' } },
      delete: push === 3 ? ['b.o'] : [],
    })
    pushed.push(id)
    const { commit, tier, stalenessMs, plan } = await status()
    assert.deepEqual([commit, stalenessMs], [id, 0])
    assert.equal(plan[0]?.startsWith('fork image'), tier === 'refresh')
    tiers.push(tier)
  }
  assert.deepEqual(tiers, [...Array.from({ length: maxLayers - 1 }, () => 'refresh'), 'clone', 'refresh'])
  const layers = (await engine.images()).map((image) => image.layers)
  assert.deepEqual(
    layers.toSorted((a, b) => a - b),
    [1, 1, 2, 2, 3, 4, 5, 6, 7, 8],
  )

  server.forgetRequests()
  for (const ref of pushed) {
    const receipt = await status(ref)
    assert.deepEqual([receipt.commit, receipt.tier, receipt.bytesFetched], [ref, 'image', 0])
  }
  assert.equal(server.count('fetch'), 0)
})

test('after a force push the answer is the new one, and the old commit is still served to who asks for it by id', async () => {
  const old = await source.git(['rev-parse', 'main'])
  await source.git(['update-ref', 'refs/heads/main', 'main~3'])
  const forced = await source.commit({ message: 'Forced', files: { 'd/a': 'forced\n' } })
  const { value, receipt } = await engine.run('log', { repo, limit: 2 })
  const [first, second] = (value as { commits: { id: string }[] }).commits
  assert.deepEqual([first?.id, second?.id, receipt.commit], [forced, await source.git(['rev-parse', 'main~1']), forced])
  assert.equal((await status()).commit, forced)
  assert.equal((await status(old)).tier, 'image')
})

test('a deleted branch is ref_not_found at once, unless the caller accepts what was true a while ago', async () => {
  const id = await source.branch('gone', 'main')
  assert.equal((await status('gone')).commit, id)
  await source.git(['update-ref', '-d', 'refs/heads/gone'])
  await assert.rejects(engine.run('status', { repo, ref: 'gone' }), { code: 'ref_not_found' })
  const { receipt } = await engine.run('status', { repo, ref: 'gone', maxStalenessMs: 3_600_000 })
  assert.equal(receipt.commit, id)
})

test('knowledge within maxStalenessMs is used without asking, says its age, and is not used by who asks for none', async () => {
  const before = (await engine.run('rev-parse', { repo })).receipt.commit
  const pushed = await source.commit({ files: { a: 'stale\n' } })
  server.forgetRequests()
  const stale = (await engine.run('rev-parse', { repo, maxStalenessMs: 3_600_000 })).receipt
  assert.equal(stale.commit, before)
  assert(stale.stalenessMs >= 0 && stale.stalenessMs < 3_600_000)
  assert.equal(server.requests.length, 0)
  const fresh = (await engine.run('rev-parse', { repo })).receipt
  assert.deepEqual([fresh.commit, fresh.stalenessMs], [pushed, 0])
})

test('a path that one process brought for blame is there for the next', async () => {
  await engine.run('blame', { repo, path: 'd/a' })
  await engine.run('blame', { repo, path: 'a' })
  const next = await home.open()
  for (const path of ['a', 'd/a']) {
    const { receipt } = await next.run('blame', { repo, path })
    assert.deepEqual([receipt.tier, receipt.bytesFetched], ['image', 0], path)
  }
})

test('a deepened image forgets where it once ended', async () => {
  const shallow = await makeRepository(`${home.dir}/deepened.git`, { bare: true })
  for (let count = 0; count < 5; count += 1) await shallow.commit({ files: { a: `${count}\n` } })
  const url = server.url('deepened')
  await engine.run('status', { repo: url })
  const { value, receipt } = await engine.run('log', { repo: url, files: true, limit: 50 })
  assert.deepEqual([(value as { commits: [] }).commits.length, receipt.history], [5, 'full'])
  const { value: blamed } = await engine.run('blame', { repo: url, path: 'a' })
  assert.equal((blamed as { ranges: { commit: string }[] }).ranges[0]?.commit, await shallow.git(['rev-parse', 'main']))
})

test('after random work in a fork of any of these stacks, status by the hook equals plain status', async () => {
  await fc.assert(
    fc.asyncProperty(work, async (lines) => {
      const script = comparedWork(lines).toString('latin1')
      await inFork(['sh', '-c', script])
    }),
    { numRuns: 12, seed: 7 },
  )
})

test('every image is clean by fsck and by a status that looks at each file', async () => {
  assert.deepEqual(await imageComplaints(home), [])
  assert.deepEqual(leftovers(home), [])
})
