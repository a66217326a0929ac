import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { hasCode, type ErrorCode } from '../../../src/core/errors.ts'
import { httpRemoteDefaults, httpRemotes, type HttpRemotes } from '../../../src/git/remote/http-remote.ts'
import type { Remote, RemoteAuthorization } from '../../../src/git/remote/remote.ts'
import { parseRepo } from '../../../src/git/remote/repo-url.ts'
import { startGitServer, type GitServer } from '../../support/git-server.ts'
import { makeRepository, type Repository } from '../../support/repository.ts'
import { scratchPlace } from '../../support/scratch-place.ts'

let root: string
let server: GitServer
let remotes: HttpRemotes
let deep: Repository
const { signal } = new AbortController()

before(async () => {
  root = await mkdtemp(join(scratchPlace, 'forkyard-http-'))
  server = await startGitServer({ root })
  deep = await makeRepository(join(root, 'team/deep.git'), { bare: true })
  await deep.commit({ files: { a: '1' } })
  await deep.branch('topic')
  await deep.commit({ files: { a: '2' } })
  await deep.tag('v1', { message: 'one' })
  await deep.tag('light')
})

after(async () => {
  await server.close()
  await rm(root, { recursive: true })
})

afterEach(() => {
  remotes.close()
  server.fault = null
  server.auth = null
  server.forgetRequests()
})

/** A remote nobody has spoken to yet. */
function open(path: string, authorization: RemoteAuthorization | null = null): Remote {
  remotes = httpRemotes(httpRemoteDefaults)
  return reopen(path, authorization)
}

function reopen(path: string, authorization: RemoteAuthorization | null = null): Remote {
  const repo = parseRepo(server.url(path), { allowHosts: [server.host], onlyHosts: [], allowLocal: false })
  assert(repo.kind === 'http')
  return remotes.open(repo, authorization)
}

function basic(text: string): RemoteAuthorization {
  return { fingerprint: text, header: () => `Basic ${Buffer.from(text).toString('base64')}` }
}

function withCode(code: ErrorCode) {
  return (error: unknown) => hasCode(error, code)
}

async function names(remote: Remote, ...prefixes: string[]) {
  return (await remote.lsRefs({ prefixes, signal })).map(({ name }) => name)
}

/** Where the next question goes. */
async function askedAt(remote: Remote): Promise<string | undefined> {
  await names(remote, 'HEAD')
  return server.requests.at(-1)?.path
}

test('refs come with what they hold, peeled tags and symbolic refs', async () => {
  const id = (revision: string) => deep.git(['rev-parse', revision])
  const refs = await open('team/deep').lsRefs({ prefixes: [], signal })
  const main = await id('main')
  assert.deepEqual(refs, [
    { name: 'HEAD', oid: main, peeled: main, symref: 'refs/heads/main' },
    { name: 'refs/heads/main', oid: main, peeled: main, symref: null },
    { name: 'refs/heads/topic', oid: await id('topic'), peeled: await id('topic'), symref: null },
    { name: 'refs/tags/light', oid: main, peeled: main, symref: null },
    { name: 'refs/tags/v1', oid: await id('refs/tags/v1'), peeled: main, symref: null },
  ])
  server.fault = { kind: 'v0' }
  assert.deepEqual(await open('team/deep').lsRefs({ prefixes: [], signal }), refs)
})

test('only what was asked for is listed, also where the server cannot select', async () => {
  for (const fault of [null, { kind: 'v0' }] as const) {
    server.fault = fault
    assert.deepEqual(await names(open('team/deep'), 'HEAD', 'refs/tags/'), ['HEAD', 'refs/tags/light', 'refs/tags/v1'])
  }
})

test('refs take one round trip, an introduction is made once and only where it is needed, on one connection', async () => {
  const remote = open('team/deep')
  await names(remote, 'HEAD')
  await names(remote, 'HEAD')
  await remote.abilities({ signal })
  await names(reopen('team/deep'), 'HEAD')
  await remote.abilities({ signal })
  assert.deepEqual(
    server.requests.map(({ method, command }) => [method, command]),
    [
      ['POST', 'ls-refs'],
      ['POST', 'ls-refs'],
      ['GET', null],
      ['POST', 'ls-refs'],
    ],
  )
  assert.equal(new Set(server.requests.map(({ clientPort }) => clientPort)).size, 1)
})

test('a server that speaks no version 2 is asked anew each time, so that answers are fresh', async () => {
  server.fault = { kind: 'v0' }
  const remote = open('team/deep')
  const before = await remote.lsRefs({ prefixes: ['refs/heads/moving'], signal })
  const id = await deep.branch('moving')
  const [ref] = await remote.lsRefs({ prefixes: ['refs/heads/moving'], signal })
  await deep.git(['update-ref', '-d', 'refs/heads/moving'])
  assert.deepEqual(before, [])
  assert.equal(ref?.oid, id)
})

test('a connection the server closed meanwhile is made again', async () => {
  const remote = open('team/deep')
  await names(remote, 'HEAD')
  const { port } = server
  await server.close()
  server = await startGitServer({ root, port })
  assert.deepEqual(await names(remote, 'HEAD'), ['HEAD'])
})

test('abilities follow the server and the repository', async () => {
  const plain = await open('team/deep').abilities({ signal })
  assert.deepEqual(plain, { protocol: 2, objectFormat: 'sha1', hasFilter: true, hasShallow: true, hasAnyId: true })
  server.hasFilters = false
  assert.equal((await open('team/deep').abilities({ signal })).hasFilter, false)
  server.hasFilters = true
  server.fault = { kind: 'v0' }
  assert.deepEqual(await open('team/deep').abilities({ signal }), { ...plain, protocol: 0 })
})

test('SHA-256 repositories are listed in both protocols', async () => {
  const wide = await makeRepository(join(root, 'sha256.git'), { bare: true, objectFormat: 'sha256' })
  const id = await wide.commit({ files: { a: '1' } })
  assert.equal(id.length, 64)
  for (const fault of [null, { kind: 'v0' }] as const) {
    server.fault = fault
    const remote = open('sha256')
    assert.equal((await remote.abilities({ signal })).objectFormat, 'sha256')
    assert.equal((await remote.lsRefs({ prefixes: ['HEAD'], signal }))[0]?.oid, id)
  }
})

test('an empty repository has no refs', async () => {
  await makeRepository(join(root, 'empty.git'), { bare: true })
  for (const fault of [null, { kind: 'v0' }] as const) {
    server.fault = fault
    assert.deepEqual(await names(open('empty')), [])
  }
})

test('a repository that answers only with ".git" is found, and asked there from then on', async () => {
  // The question for refs and the introduction that follows.
  server.fault = { kind: 'status', status: 404, times: 2 }
  const remote = open('team/deep')
  assert.deepEqual(await names(remote, 'HEAD'), ['HEAD'])
  assert.equal(await askedAt(remote), '/team/deep.git/git-upload-pack')
  assert.equal(await askedAt(open('team/deep')), '/team/deep/git-upload-pack')
})

test('a redirect to another path of the same host is followed once and then known', async () => {
  server.fault = { kind: 'redirect', to: '/team/deep', times: 1 }
  const remote = open('moved')
  assert.deepEqual(await names(remote, 'HEAD'), ['HEAD'])
  assert.deepEqual(await names(remote, 'HEAD'), ['HEAD'])
  assert.deepEqual(
    server.requests.map(({ method, path }) => `${method} ${path}`),
    [
      'POST /moved/git-upload-pack',
      'GET /moved/info/refs',
      'GET /team/deep/info/refs',
      'POST /team/deep/git-upload-pack',
      'POST /team/deep/git-upload-pack',
    ],
  )
})

test('three redirects are followed, a fourth is not', async () => {
  server.fault = { kind: 'redirect', to: '/team/deep', times: 3 }
  assert.deepEqual(await names(open('moved'), 'HEAD'), ['HEAD'])
  server.fault = { kind: 'redirect', to: '/team/deep', times: 4 }
  await assert.rejects(names(open('moved'), 'HEAD'), withCode('remote_redirected'))
})

test('a repository that moved after it was introduced is found again', async () => {
  const remote = open('team/deep')
  await names(remote, 'HEAD')
  server.fault = { kind: 'redirect', to: '/elsewhere', on: 'POST', times: 1 }
  assert.deepEqual(await names(remote, 'HEAD'), ['HEAD'])
})

test('a private repository opens with its credential only', async () => {
  server.auth = { username: 'u', password: 'p' }
  await assert.rejects(names(open('team/deep'), 'HEAD'), withCode('auth_required'))
  await assert.rejects(names(open('team/deep', basic('u:wrong')), 'HEAD'), withCode('auth_required'))
  assert.deepEqual(await names(open('team/deep', basic('u:p')), 'HEAD'), ['HEAD'])
})

test('what one credential learned is no short cut for another', async () => {
  server.auth = { username: 'u', password: 'p' }
  await names(open('team/deep', basic('u:p')), 'HEAD')
  server.forgetRequests()
  await assert.rejects(names(reopen('team/deep'), 'HEAD'), withCode('auth_required'))
  assert.deepEqual(
    server.requests.map(({ method }) => method),
    ['POST'],
  )
})

test('access that was taken away is noticed by the next question', async () => {
  server.auth = { username: 'u', password: 'p' }
  const remote = open('team/deep', basic('u:p'))
  await names(remote, 'HEAD')
  server.auth = { username: 'u', password: 'new' }
  await assert.rejects(names(remote, 'HEAD'), withCode('auth_required'))
})

test('thirty questions at once are all answered', async () => {
  const remote = open('team/deep')
  const answers = await Promise.all(Array.from({ length: 30 }, () => names(remote, 'refs/heads/main')))
  for (const answer of answers) assert.deepEqual(answer, ['refs/heads/main'])
})

test('twenty thousand branches arrive whole', async () => {
  const many = await makeRepository(join(root, 'many.git'), { bare: true })
  const id = await many.commit({ files: { a: '1' } })
  const lines = Array.from({ length: 20_000 }, (_, index) => `${id} refs/heads/branch-${index}\n`)
  await writeFile(join(root, 'many.git/packed-refs'), `# pack-refs with: peeled fully-peeled\n${lines.join('')}`)
  assert.equal((await names(open('many'), 'refs/heads/branch-')).length, 20_000)
})
