import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { compose } from '../../src/compose.ts'
import { onSpan, type Span } from '../../src/core/spans.ts'
import type { ServiceEngine } from '../../src/engine/announcements.ts'
import type { Caller } from '../../src/engine/caller.ts'
import { makeHome } from '../support/engine-home.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { leftovers } from '../support/leftovers.ts'
import { makeRepository, type Repository } from '../support/repository.ts'
import { tenantNamed, writeKeys } from '../support/tenants.ts'

const auth = { username: 'reader', password: 'only-for-tests' }
const home = makeHome({ resultCacheBytes: 0 })
let server: GitServer
let source: Repository
let repo: string

before(async () => {
  source = await makeRepository(`${home.dir}/warm.git`, { bare: true })
  await source.commit({ files: { a: '0\n' } })
  server = await startGitServer({ root: home.dir, auth })
  repo = server.url('warm')
})
after(async () => {
  await server.close()
  assert.deepEqual(leftovers(home), [])
})

interface Wishes {
  readonly tenants?: readonly string[]
  readonly warmUpMs?: number
  readonly apiKeysFile?: string | null
}

/** An engine as a service has it, that warms up twice a second, with a credential for one tenant, or for all. */
async function service({ tenants, warmUpMs = 500, apiKeysFile = null }: Wishes = {}): Promise<ServiceEngine> {
  const credentialsFile = `${home.dir}/credentials.json`
  const entry = { host: server.host, username: auth.username, passwordEnv: 'SECRET', use: ['fetch'] }
  writeFileSync(credentialsFile, JSON.stringify([tenants === undefined ? entry : { ...entry, tenants }]))
  const settings = { ...home.settings, credentialsFile, warmUpMs, apiKeysFile }
  const { engine } = await compose(settings, { SECRET: auth.password }, { allowLocal: false, hasPool: false })
  return engine
}

/** The next warm-up, of those that made something. */
function warmed(mayBeIdle = false): Promise<Span> {
  return new Promise((resolve) => {
    const stop = onSpan((span) => {
      if (span.name !== 'warm-up' || (!mayBeIdle && span.outcome === 'ok' && span.attributes.count === 0)) return
      stop()
      resolve(span)
    })
  })
}

test('what is used most is brought up to date without anybody asking, and has sandboxes ready', async () => {
  const engine = await service()
  await engine.run('status', { repo })
  const done = warmed()
  const commit = await source.commit({ files: { a: '1\n' } })
  const { outcome, attributes } = await done
  assert.deepEqual([outcome, attributes.count], ['ok', 1])
  server.forgetRequests()
  const { receipt } = await engine.run('status', { repo })
  assert.deepEqual([receipt.commit, receipt.tier, receipt.bytesFetched], [commit, 'image', 0])
  assert.equal(server.count('fetch'), 0)
  await engine.close()
})

test('it outlives a restart: the next service warms up what was used most before', async () => {
  const done = warmed()
  const commit = await source.commit({ files: { a: '2\n' } })
  const engine = await service()
  assert.equal((await done).outcome, 'ok')
  assert.equal((await engine.run('status', { repo })).receipt.tier, 'image')
  assert.ok((await engine.images()).some(({ tips }) => tips.includes(commit)))
  await engine.close()
})

test("a credential that came with a request is nobody else's: nothing is warmed up with it", async () => {
  const mine = await makeRepository(`${home.dir}/mine.git`, { bare: true })
  await mine.commit({ files: { a: '0\n' } })
  const engine = await service({ tenants: ['nobody'], warmUpMs: 0 })
  const gitAuthorization = `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`
  await engine.run('status', { repo: server.url('mine') }, { gitAuthorization })
  await mine.commit({ files: { a: '1\n' } })
  server.forgetRequests()
  const done = warmed(true)
  await engine.pushed({ repo: server.url('mine'), ref: 'refs/heads/main' })
  assert.deepEqual([(await done).outcome, (await done).attributes.count], ['ok', 0])
  await engine.close()
  assert.deepEqual(
    server.requests.filter(({ path }) => path.startsWith('/mine')),
    [],
  )
})

test('in the name of a tenant only while it may ask', async () => {
  const theirs = await makeRepository(`${home.dir}/theirs.git`, { bare: true })
  await theirs.commit({ files: { a: '0\n' } })
  const engine = await service({ tenants: ['acme'], warmUpMs: 0 })
  let isInForce = true
  const tenant = tenantNamed('acme')
  const caller: Caller = { ...tenant, later: async () => (isInForce ? tenant : null) }
  const url = server.url('theirs')
  await engine.run('status', { repo: url }, { caller })
  await theirs.commit({ files: { a: '1\n' } })
  const done = warmed()
  await engine.pushed({ repo: url, ref: 'refs/heads/main' })
  assert.equal((await done).outcome, 'ok')
  isInForce = false
  await theirs.commit({ files: { a: '2\n' } })
  server.forgetRequests()
  const idle = warmed(true)
  await engine.pushed({ repo: url, ref: 'refs/heads/main' })
  assert.equal((await idle).attributes.count, 0)
  await engine.close()
  assert.deepEqual(
    server.requests.filter(({ path }) => path.startsWith('/theirs')),
    [],
  )
})

test("what was used before anybody was told apart is warmed up in no tenant's name", async () => {
  const early = await makeRepository(`${home.dir}/early.git`, { bare: true })
  await early.commit({ files: { a: '0\n' } })
  const before = await service({ warmUpMs: 0 })
  await before.run('status', { repo: server.url('early') })
  await before.close()
  const apiKeysFile = `${home.dir}/keys.json`
  writeKeys(apiKeysFile, { acme: {} })
  const engine = await service({ tenants: ['acme'], warmUpMs: 0, apiKeysFile })
  server.forgetRequests()
  const done = warmed(true)
  await engine.pushed({ repo: server.url('early'), ref: 'refs/heads/main' })
  assert.deepEqual([(await done).outcome, (await done).attributes.count], ['ok', 0])
  assert.deepEqual(server.requests, [])
  await engine.close()
})

test('a branch that is gone keeps no other from being refreshed', async () => {
  const engine = await service({ warmUpMs: 0 })
  await source.git(['branch', 'topic'])
  await engine.run('log', { repo, ref: 'main' })
  await engine.run('log', { repo, ref: 'topic' })
  await source.git(['branch', '-D', 'topic'])
  const commit = await source.commit({ files: { a: '3\n' } })
  const done = warmed()
  await engine.pushed({ repo, ref: 'refs/heads/topic' })
  await engine.pushed({ repo, ref: 'refs/heads/main' })
  assert.equal((await done).outcome, 'ok')
  assert.ok((await engine.images()).some(({ tips }) => tips.includes(commit)))
  await engine.close()
})
