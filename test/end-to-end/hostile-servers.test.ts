import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { hasCode, type ErrorCode } from '../../src/core/errors.ts'
import type { Engine } from '../../src/engine/contract.ts'
import { makeHome } from '../support/engine-home.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import type { Fault } from '../support/git-server-faults.ts'
import { leftovers } from '../support/leftovers.ts'
import { makeRepository, type Repository } from '../support/repository.ts'

const mebibyte = 1024 ** 2
const home = makeHome({ idleMs: 1000, diskBytes: 24 * mebibyte })
let server: GitServer
let engine: Engine
let source: Repository
let repo: string

before(async () => {
  source = await makeRepository(`${home.dir}/good.git`, { bare: true })
  const noise = Buffer.concat(Array.from({ length: 3000 }, (_, at) => createHash('sha256').update(`${at}`).digest()))
  await source.commit({ files: { 'a/b': 'b\n', noise } })
  server = await startGitServer({ root: home.dir })
  engine = await home.open()
  repo = server.url('good')
})
after(() => server.close())

async function failure(fault: Fault, deadlineMs: number): Promise<string> {
  server.fault = fault
  // Another name each time, so that nothing is known of the server.
  const fresh = await home.open()
  try {
    const { receipt } = await fresh.exec({ repo, argv: ['true'], deadlineMs })
    await receipt
    return 'served'
  } catch (error) {
    assert(!hasCode(error, 'internal'), String(error))
    return (error as { code: ErrorCode }).code
  } finally {
    server.fault = null
    await fresh.close()
  }
}

function assertNothingLeft(images: number): void {
  assert.deepEqual(leftovers(home), [])
  assert.equal(readdirSync(`${home.settings.stateDir}/images`).length, images)
}

const faults: readonly (readonly [what: string, fault: Fault, code: ErrorCode, deadlineMs?: number])[] = [
  ['never answers', { kind: 'stall', at: 'start' }, 'deadline_exceeded', 700],
  ['advertises and then falls silent', { kind: 'stall', at: 'command' }, 'deadline_exceeded', 700],
  ['stops in the middle of its advertisement', { kind: 'stalled-advertisement' }, 'deadline_exceeded', 700],
  ['lists its refs and never sends a pack', { kind: 'stall', at: 'pack' }, 'remote_timeout'],
  ['breaks off in its advertisement', { kind: 'cut-advertisement' }, 'remote_failed'],
  ['breaks off in mid-pack', { kind: 'cut-pack', afterBytes: 20_000 }, 'remote_failed'],
  ['advertises for ever', { kind: 'endless-advertisement' }, 'remote_invalid'],
  ['sends a compressed bomb', { kind: 'gzip-advertisement' }, 'remote_invalid'],
  ['sends a pack for ever', { kind: 'endless-pack' }, 'disk_limit'],
  ['says that it has no such object', { kind: 'not-our-ref' }, 'commit_not_found'],
  ['redirects to another host', { kind: 'redirect', to: 'http://127.0.0.2:1' }, 'remote_redirected'],
  ['redirects to a file', { kind: 'redirect', to: 'file:///etc' }, 'remote_redirected'],
  ['redirects git alone', { kind: 'redirect', to: 'http://127.0.0.2:1', on: 'POST' }, 'remote_redirected'],
]

for (const [what, fault, code, deadlineMs = 30_000] of faults) {
  test(`a server that ${what} is ${code}, and nothing is left`, async () => {
    assert.equal(await failure(fault, deadlineMs), code)
    assertNothingLeft(0)
  })
}

test('a server that offers bundles is not followed there', async () => {
  assert.equal(await failure({ kind: 'bundle-uri' }, 30_000), 'served')
  assert.equal(server.count('bundle-uri'), 0)
})

test('after all these failures an honest answer is given, and an image survives what breaks its refresh', async () => {
  const { receipt } = await engine.run('status', { repo })
  assert.equal(receipt.tier, 'image')
  await source.commit({ files: { more: createHash('sha256').update('more').digest(), 'a/b': 'c\n' } })
  assert.equal(await failure({ kind: 'cut-pack', afterBytes: 100 }, 30_000), 'remote_failed')
  assertNothingLeft(1)
  assert.equal((await engine.run('status', { repo })).receipt.tier, 'refresh')
})

test('a commit that vanished between two questions is asked for anew, once', async () => {
  await source.commit({ files: { 'a/b': 'd\n' } })
  server.fault = { kind: 'not-our-ref', times: 1 }
  const { receipt } = await engine.run('log', { repo, limit: 1 })
  assert.equal(receipt.commit, await source.git(['rev-parse', 'main']))
})

test('an interrupt in mid-fetch ends the process with 130, closes the connection, and leaves nothing', async () => {
  await source.commit({ files: { 'a/b': 'e\n' } })
  const asked = Promise.withResolvers<void>()
  const waiting = setInterval(() => {
    if (server.count('fetch') > 0) asked.resolve()
  }, 5)
  server.forgetRequests()
  server.fault = { kind: 'stall', at: 'pack' }
  const { child, end } = home.start(['run', repo, '--', 'true'])
  await asked.promise
  clearInterval(waiting)
  child.kill('SIGINT')
  const { code, stderr } = await end
  assert.deepEqual([code, /interrupted/.test(stderr)], [130, true])
  server.fault = null
  assert.deepEqual(leftovers(home), [])
})
