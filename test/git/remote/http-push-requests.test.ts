import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { after, afterEach, before, test, type TestContext } from 'node:test'
import { AppError, hasCode } from '../../../src/core/errors.ts'
import { httpRemoteDefaults, httpRemotes, type HttpRemotes } from '../../../src/git/remote/http-remote.ts'
import { allowedRepo, listen } from '../../support/ask-refs.ts'
import { askPush, askPushFailure, pushHeader } from '../../support/ask-push.ts'
import { pushRefs } from '../../support/git-server-push-faults.ts'
import { startGitServer, type GitServer } from '../../support/git-server.ts'
import { packet } from '../../support/git-server-wire.ts'
import { packBytes, packFor, pieces, pushOptions } from '../../support/push-target.ts'
import { makeRepository, type Repository } from '../../support/repository.ts'
import { scratchPlace } from '../../support/scratch-place.ts'

let root: string
let server: GitServer
let work: Repository
let bare: Repository
let remotes: HttpRemotes
let oid: string

before(async () => {
  root = await mkdtemp(join(scratchPlace, 'forkyard-push-requests-'))
  server = await startGitServer({ root })
  work = await makeRepository(join(root, 'work'))
  bare = await makeRepository(join(root, 'team/a.git'), { bare: true })
  oid = await work.commit({ files: { a: '1' } })
  remotes = httpRemotes(httpRemoteDefaults)
})

after(async () => {
  remotes.close()
  await server.close()
  await rm(root, { recursive: true })
})

afterEach(async () => {
  server.fault = null
  server.forgetRequests()
  await bare.git(['update-ref', '-d', 'refs/heads/main'])
})

const small = async () => packFor(work, oid, { old: null })
const push = (path: string) => askPush(allowedRepo(server.url(path)), pushOptions({ oid }), small)
const asked = () => server.requests.map(({ method, path }) => `${method} ${path}`)

test('a push is one question and one request, each with the credential, and no question for version 2', async () => {
  await push('team/a')
  assert.deepEqual(asked(), ['GET /team/a/info/refs', 'POST /team/a/git-receive-pack'])
  for (const { headers } of server.requests) {
    assert.equal(headers.authorization, pushHeader)
    assert.equal(headers['git-protocol'], undefined)
    assert.equal(headers['content-encoding'], undefined)
  }
  server.forgetRequests()
  assert.equal((await push('team/a')).outcome, 'unchanged')
  assert.deepEqual(asked(), ['GET /team/a/info/refs'])
})

test('a repository that moved to another path of its host is pushed to there', async () => {
  server.fault = { kind: 'redirect', to: '/team/a', times: 2 }
  assert.equal((await push('moved')).outcome, 'created')
  assert.equal(asked().at(-1), 'POST /team/a/git-receive-pack')
})

test('a repository that answers only with ".git" is found', async () => {
  server.fault = { kind: 'push-status', status: 404, on: 'GET', times: 1 }
  assert.equal((await push('team/a')).outcome, 'created')
  assert.deepEqual(asked().slice(1), ['GET /team/a.git/info/refs', 'POST /team/a.git/git-receive-pack'])
})

test('a connection that the server closed while the pack was made is not used for it', async () => {
  const remote = remotes.open(allowedRepo(server.url('team/a')), null)
  const pushed = await remote.push(pushOptions({ oid }), async () => {
    const { port } = server
    await server.close()
    server = await startGitServer({ root, port })
    return packFor(work, oid, { old: null })
  })
  assert.equal(pushed.outcome, 'created')
})

test('an answer that comes before the pack has been sent ends the sending', async () => {
  let isLetGo = false
  async function* endless() {
    try {
      for (;;) yield Buffer.alloc(65_536)
    } finally {
      isLetGo = true
    }
  }
  server.fault = { kind: 'push-status', status: 403, on: 'POST' }
  const error = await askPushFailure(allowedRepo(server.url('team/a')), pushOptions({ oid }), async () => endless())
  assert.equal(error.code, 'access_denied')
  assert(isLetGo)
})

/** Serves an introduction, and tells how much of each push had arrived when its connection closed. */
async function witness(t: TestContext, whileReceiving: (request: IncomingMessage) => void) {
  const arrivals: Promise<{ bytes: number; isComplete: boolean }>[] = []
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      const body = `${packet('# service=git-receive-pack\n')}0000${pushRefs([])}0000`
      response.setHeader('content-type', 'application/x-git-receive-pack-advertisement').end(body)
      return
    }
    let bytes = 0
    request.on('data', (chunk: Buffer) => (bytes += chunk.length))
    request.on('error', () => {})
    request.once('data', () => whileReceiving(request))
    arrivals.push(
      new Promise((resolve) => request.once('close', () => resolve({ bytes, isComplete: request.complete }))),
    )
  })
  const port = await listen(server)
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { repo: allowedRepo(`http://127.0.0.1:${port}/a`), arrived: () => Promise.all(arrivals) }
}

test('a source that fails in the end has shown nobody a whole request', async (t) => {
  const failure = new AppError('git_failed', 'Cannot make a pack: it broke')
  const great = await packBytes(work, await work.commit({ files: { noise: randomBytes(3_000_000) } }), { old: oid })
  const begun = Promise.withResolvers<void>()
  const seen = await witness(t, () => begun.resolve())
  async function* failing(bytes: Uint8Array, end: Promise<void>) {
    yield* pieces(bytes)
    await end
    throw failure
  }
  const push = (pack: AsyncIterable<Uint8Array>) => askPushFailure(seen.repo, pushOptions({ oid }), async () => pack)
  assert.equal(await push(failing(await packBytes(work, oid, { old: null }), Promise.resolve())), failure)
  assert.deepEqual(await seen.arrived(), [])
  assert.equal(await push(failing(great, begun.promise)), failure)
  const [arrival, ...others] = await seen.arrived()
  assert.deepEqual([arrival?.isComplete, others], [false, []])
  assert(arrival !== undefined && arrival.bytes < great.length)
})

test('an abort in the middle of a pack shows nobody a whole request, and a broken connection is not tried again', async (t) => {
  const caller = new AbortController()
  const options = pushOptions({ oid, signal: caller.signal })
  for (const [code, breakOff] of [
    ['remote_failed', (request: IncomingMessage) => request.socket.resetAndDestroy()],
    ['canceled', () => caller.abort()],
  ] as const) {
    const seen = await witness(t, breakOff)
    const error = await askPushFailure(seen.repo, options, async () => pieces(randomBytes(20_000_000)))
    assert(hasCode(error, code))
    const isComplete = (await seen.arrived()).map((arrival) => arrival.isComplete)
    assert.deepEqual(isComplete, [false])
  }
})
