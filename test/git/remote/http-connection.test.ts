import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { promisify } from 'node:util'
import { AppError } from '../../../src/core/errors.ts'
import { parseRepo, type HttpRepo } from '../../../src/git/remote/repo-url.ts'
import { allowedRepo, askRefs, askRefsFailure, closedPort, listen } from '../../support/ask-refs.ts'
import { expiredCertificate, testKey, validCertificate } from '../../support/certificates.ts'
import { startGitServer, type GitServer } from '../../support/git-server.ts'
import { makeRepository } from '../../support/repository.ts'
import { scratchPlace } from '../../support/scratch-place.ts'

let root: string
let server: GitServer

before(async () => {
  root = await mkdtemp(join(scratchPlace, 'forkyard-faults-'))
  server = await startGitServer({ root })
  await (await makeRepository(join(root, 'a.git'), { bare: true })).commit({ files: { a: '1' } })
})

after(async () => {
  await server.close()
  await rm(root, { recursive: true })
})

afterEach(() => {
  server.fault = null
  server.forgetRequests()
})

test('nobody is spoken to at an address that is not public', async () => {
  const { port } = server
  const strict = parseRepo(`https://git.test:${port}/a`, { allowHosts: [], onlyHosts: [], allowLocal: false })
  assert(strict.kind === 'http')
  const repo: HttpRepo = { ...strict, isSecure: false, url: `http://git.test:${port}/a` }
  const lookup = async () => [{ address: '127.0.0.1', family: 4 as const }]
  assert.equal((await askRefsFailure(repo, { lookup })).code, 'host_forbidden')
  assert.equal((await askRefsFailure({ ...allowedRepo(server.url('a')), isAllowed: false })).code, 'host_forbidden')
  assert.equal(server.requests.length, 0)
  assert.equal((await askRefs({ ...repo, isAllowed: true }, { lookup })).length, 2)
})

test('the name system is asked once a connection, so that it cannot answer the check and the connection differently', async () => {
  let asked = 0
  const lookup = async () => {
    asked += 1
    // The second answer leads to where nobody listens.
    return [{ address: asked === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 as const }]
  }
  assert.equal((await askRefs(allowedRepo(`http://git.test:${server.port}/a`), { lookup })).length, 2)
  assert.equal(asked, 1)
})

test('an unknown host and a closed port have codes of their own', async () => {
  assert.equal((await askRefsFailure(allowedRepo('http://host.invalid/a'))).code, 'host_unknown')
  const port = await closedPort()
  assert.equal((await askRefsFailure(allowedRepo(`http://127.0.0.1:${port}/a`))).code, 'remote_unreachable')
})

test('a server that does not speak HTTP, or with endless headers, is remote_invalid', async () => {
  for (const bytes of ['SSH-2.0-OpenSSH_9.2\r\n', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(100_000)}\r\n`]) {
    const odd = createServer((socket) => {
      socket.on('error', () => {})
      socket.resume().write(bytes)
    })
    const port = await listen(odd)
    assert.equal((await askRefsFailure(allowedRepo(`http://127.0.0.1:${port}/a`))).code, 'remote_invalid')
    await new Promise((resolve) => odd.close(resolve))
  }
})

test('a caller who gives up ends the exchange at once', async () => {
  server.fault = { kind: 'stall', at: 'start' }
  const controller = new AbortController()
  const asking = askRefsFailure(allowedRepo(server.url('a')), { signal: controller.signal })
  while (server.requests.length === 0) await new Promise(setImmediate)
  controller.abort()
  assert.equal((await asking).code, 'canceled')
  assert.equal((await askRefsFailure(allowedRepo(server.url('a')), { signal: AbortSignal.abort() })).code, 'canceled')
  const reason = new AppError('deadline_exceeded', 'Cannot finish in time: over')
  assert.equal(await askRefsFailure(allowedRepo(server.url('a')), { signal: AbortSignal.abort(reason) }), reason)
})

test('proxies of the environment are not used', async (t) => {
  let connections = 0
  const proxy = createServer((socket) => {
    connections += 1
    socket.on('error', () => {})
    socket.destroy()
  })
  const port = await listen(proxy)
  t.after(() => proxy.close())
  const env = { PATH: process.env['PATH'], http_proxy: `http://127.0.0.1:${port}`, NODE_USE_ENV_PROXY: '1' }
  const run = async (script: string) =>
    (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env })).stdout
  const ours = import.meta.resolve('../../../src/git/remote/http-remote.ts')
  const refs = await run(`
    import { httpRemotes, httpRemoteDefaults } from ${JSON.stringify(ours)}
    const { signal } = new AbortController()
    const remotes = httpRemotes(httpRemoteDefaults)
    const refs = await remotes.open(${JSON.stringify(allowedRepo(server.url('a')))}, null).lsRefs({ prefixes: [], signal })
    remotes.close()
    console.log(refs.length)`)
  assert.equal(refs, '2\n')
  assert.equal(connections, 0)
  await run(`await fetch(${JSON.stringify(server.url('a'))}).catch(() => {})`)
  assert.notEqual(connections, 0)
})

test('a certificate that is not trusted, expired or for another host is tls_invalid, whatever the environment says', async (t) => {
  const cases = [
    { cert: validCertificate, host: '127.0.0.1' },
    { cert: expiredCertificate, host: '127.0.0.1', ca: expiredCertificate },
    { cert: validCertificate, host: 'other.test', ca: validCertificate },
  ]
  const lookup = async () => [{ address: '127.0.0.1', family: 4 as const }]
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  t.after(() => delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'])
  for (const { cert, host, ca } of cases) {
    const secure = await startGitServer({ root, tls: { key: testKey, cert } })
    const repo = allowedRepo(`https://${host}:${secure.port}/a`)
    assert.equal((await askRefsFailure(repo, { lookup, ...(ca ? { ca } : {}) })).code, 'tls_invalid')
    assert.equal(secure.requests.length, 0)
    await secure.close()
  }
})

test('a trusted certificate opens an https repository, and no redirect leads from there to http', async () => {
  const secure = await startGitServer({ root, tls: { key: testKey, cert: validCertificate } })
  const repo = allowedRepo(secure.url('a'))
  assert.equal((await askRefs(repo, { ca: validCertificate })).length, 2)
  secure.fault = { kind: 'redirect', to: '/a', times: 3 }
  assert.equal((await askRefs(repo, { ca: validCertificate })).length, 2)
  secure.fault = { kind: 'redirect', to: server.url('').slice(0, -1) }
  assert.equal((await askRefsFailure(repo, { ca: validCertificate })).code, 'remote_redirected')
  secure.fault = { kind: 'redirect', to: `http://${secure.host}` }
  assert.equal((await askRefsFailure(repo, { ca: validCertificate })).code, 'remote_redirected')
  assert.equal(server.requests.length, 0)
  await secure.close()
})
