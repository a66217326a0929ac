import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import type { ErrorCode } from '../../../src/core/errors.ts'
import { allowedRepo, askRefs } from '../../support/ask-refs.ts'
import { askPush, askPushFailure, type PushAsking } from '../../support/ask-push.ts'
import type { Fault } from '../../support/git-server-faults.ts'
import { band, pushRefs, reportOf } from '../../support/git-server-push-faults.ts'
import { startGitServer, type GitServer } from '../../support/git-server.ts'
import { packet } from '../../support/git-server-wire.ts'
import { eventually, packFor, pieces, pushOptions } from '../../support/push-target.ts'
import { makeRepository, type Repository } from '../../support/repository.ts'
import { scratchPlace } from '../../support/scratch-place.ts'

let root: string
let server: GitServer
let work: Repository
let bare: Repository
let oid: string

before(async () => {
  root = await mkdtemp(join(scratchPlace, 'forkyard-push-faults-'))
  server = await startGitServer({ root })
  work = await makeRepository(join(root, 'work'))
  bare = await makeRepository(join(root, 'a.git'), { bare: true })
  oid = await work.commit({ files: { a: '1' } })
})

after(async () => {
  await server.close()
  await rm(root, { recursive: true })
})

afterEach(async () => {
  server.fault = null
  server.takesPushes = true
  server.forgetRequests()
  await bare.git(['update-ref', '-d', 'refs/heads/main'])
})

const small = async () => packFor(work, oid, { old: null })
const failure = (asking?: PushAsking) =>
  askPushFailure(allowedRepo(server.url('a')), pushOptions({ oid }), small, asking)
const main = () => bare.git(['rev-parse', '--verify', '--quiet', 'main'], { okExitCodes: [0, 1] })

const answers: readonly (readonly [ErrorCode, string, Fault, PushAsking?])[] = [
  ...(['GET', 'POST'] as const).flatMap((on) =>
    (
      [
        [401, 'auth_required'],
        [403, 'access_denied'],
        [404, 'repo_not_found'],
        [500, 'remote_failed'],
        [503, 'remote_failed'],
        [504, 'remote_timeout'],
        [418, 'remote_invalid'],
      ] as const
    ).map(([status, code]) => [code, `${status} to ${on}`, { kind: 'push-status', status, on }] as const),
  ),
  ['push_rejected', 'a pack that is too large', { kind: 'push-status', status: 413, on: 'POST' }],
  ['remote_invalid', 'a web page', { kind: 'html' }],
  ['remote_invalid', 'the dumb protocol', { kind: 'dumb' }],
  ['remote_timeout', 'silence after the pack', { kind: 'stall', at: 'command' }, { packIdleMs: 200 }],
  ['remote_failed', 'an introduction cut short', { kind: 'cut-advertisement' }],
  ['remote_invalid', 'an introduction without end', { kind: 'endless-push-refs' }, { maxRefsBytes: 1_000_000 }],
  ['remote_invalid', 'a gzip bomb as introduction', { kind: 'gzip-advertisement' }],
  ['remote_invalid', 'a gzip bomb as report', { kind: 'report', body: '', compressed: true }],
  ['remote_invalid', 'hooks that never stop talking', { kind: 'endless-hook' }],
  ['remote_redirected', 'a redirect to another host', { kind: 'redirect', to: 'https://example.com' }],
  ['remote_redirected', 'a redirect in a circle', { kind: 'redirect', to: '/a' }],
  ['remote_redirected', 'a redirect of the push itself', { kind: 'redirect', to: '/a', on: 'POST' }],
]

for (const [code, what, fault, asking] of answers) {
  test(`${what} is ${code}, and nothing is sent twice`, async () => {
    server.fault = fault
    const error = await failure(asking)
    assert.equal(error.code, code, error.message)
    assert.equal(await main(), '')
    assert(server.requests.filter(({ method }) => method === 'POST').length <= 1)
  })
}

test('a repository that can be read but takes no pushes is access_denied', async () => {
  server.takesPushes = false
  assert.equal((await failure()).code, 'access_denied')
  assert.deepEqual(await askRefs(allowedRepo(server.url('a'))), [])
})

test('the credential is shown to nobody a redirect leads to', async () => {
  const other = await startGitServer({ root })
  for (const on of ['GET', 'POST'] as const) {
    server.fault = { kind: 'redirect', to: `http://${other.host}`, on }
    assert.equal((await failure()).code, 'remote_redirected')
  }
  assert.equal(other.requests.length, 0)
  await other.close()
})

const malformed: readonly (readonly [string, ErrorCode, string])[] = [
  ['nothing', 'remote_failed', ''],
  ['the other service', 'remote_invalid', `${packet('# service=git-upload-pack\n')}0000${pushRefs([])}0000`],
  ['version 2', 'remote_invalid', `${packet('version 2\n')}0000`],
  ['no abilities', 'remote_invalid', `${packet(`${'1'.repeat(40)} refs/heads/main\n`)}0000`],
  ['no reports', 'remote_invalid', `${pushRefs([], 'side-band-64k')}0000`],
  ['an unknown object format', 'remote_invalid', `${pushRefs([], 'report-status object-format=md5')}0000`],
  ['no id', 'remote_invalid', `${pushRefs(['refs/heads/a'])}0000`],
  ['no ref', 'remote_invalid', '0000'],
  ['a short id', 'remote_invalid', `${pushRefs([`${'1'.repeat(39)} refs/heads/a`])}0000`],
  ['a ref that holds nothing', 'remote_invalid', `${pushRefs([`${'0'.repeat(40)} refs/heads/main`])}0000`],
  [
    'the ref twice',
    'remote_invalid',
    `${pushRefs(['1', '2'].map((digit) => `${digit.repeat(40)} refs/heads/main`))}0000`,
  ],
  ['an error', 'remote_failed', packet('ERR go \u001b[2J away\n')],
  ['more after the end', 'remote_invalid', `${pushRefs([])}00000000`],
]

for (const [what, code, body] of malformed) {
  test(`an introduction that holds ${what} is ${code}`, async () => {
    server.fault = { kind: 'advertisement', body, contentType: 'application/x-git-receive-pack-advertisement' }
    assert.equal((await failure()).code, code)
    assert.equal(server.count('push'), 0)
  })
}

const ref = 'refs/heads/main'
const reports: readonly (readonly [string, ErrorCode, string])[] = [
  ['no packets', 'remote_failed', ''],
  ['no report', 'remote_failed', `${band(2, 'fatal: out of memory\n')}0000`],
  ['an error on the side', 'remote_failed', band(3, 'out of memory')],
  ['no word on the pack', 'remote_invalid', reportOf(`ok ${ref}`)],
  ['no word on the ref', 'remote_invalid', reportOf('unpack ok')],
  ['another ref', 'remote_invalid', reportOf('unpack ok', 'ok refs/heads/other')],
  ['another ref beside it', 'remote_invalid', reportOf('unpack ok', `ok ${ref}`, 'ok refs/heads/other')],
  ['the ref twice', 'remote_invalid', reportOf('unpack ok', `ok ${ref}`, `ng ${ref} no`)],
  ['a contradiction', 'remote_invalid', reportOf('unpack failed', `ok ${ref}`)],
  ['a longer name', 'remote_invalid', reportOf('unpack ok', `ok ${ref}2`)],
  ['no end', 'remote_failed', `${band(1, packet('unpack ok\n') + packet(`ok ${ref}\n`))}0000`],
  ['an unknown side band', 'remote_invalid', packet('\u0004what')],
  ['a refusal without end', 'push_rejected', reportOf('unpack ok', `ng ${ref} ${'no \u001b[2J\u009b'.repeat(6000)}`)],
  ['too much', 'remote_invalid', `${band(1, packet('x'.repeat(60_000))).repeat(6)}0000`],
  [
    'a pack that was not taken',
    'push_rejected',
    reportOf('unpack index-pack abnormal exit', `ng ${ref} unpacker error`),
  ],
  ['only that a pack was not taken', 'push_rejected', reportOf('unpack no space left')],
]

for (const [what, code, body] of reports) {
  test(`a report that holds ${what} is ${code}`, async () => {
    server.fault = { kind: 'report', body }
    assert.equal((await failure()).code, code)
  })
}

test("a server's last words are passed on where it gives up", async () => {
  server.fault = { kind: 'report', body: band(2, 'disk\u0007\n') + band(3, 'out of \u001b[2Jmemory') }
  assert.deepEqual((await failure()).details['said'], ['disk?', 'out of ?[2Jmemory'])
})

test('a server without side bands is understood, and asked for no more than it offers', async () => {
  server.fault = {
    kind: 'advertisement',
    body: `${pushRefs([`${'0'.repeat(40)} capabilities^{}`], 'report-status')}0000`,
    contentType: 'application/x-git-receive-pack-advertisement',
    times: 1,
  }
  const report = `${packet('unpack ok\n')}${packet(`ok ${ref}\n`)}0000`
  const makePack = async () => {
    server.fault = { kind: 'report', body: report }
    return null
  }
  const pushed = await askPush(allowedRepo(server.url('a')), pushOptions({ oid }), makePack)
  assert.deepEqual(pushed, { outcome: 'created', old: null, said: [] })
})

test('a report that breaks off leaves open what happened, and the next push finds out', async () => {
  for (const afterBytes of [0, 10]) {
    server.fault = { kind: 'cut-report', afterBytes }
    assert.equal((await failure()).code, 'remote_failed')
    assert.equal(server.count('push'), 1)
    server.fault = null
    // The first may still be at work there.
    const again = () => askPush(allowedRepo(server.url('a')), pushOptions({ oid, expected: { oid: null } }), small)
    assert.match((await eventually(again)).outcome, /unchanged|created/)
    assert.equal(await main(), oid)
    await bare.git(['update-ref', '-d', 'refs/heads/main'])
    server.forgetRequests()
  }
})

test('what breaks off after the report no longer matters', async () => {
  server.fault = { kind: 'report', body: `${reportOf('unpack ok', `ok ${ref}`).slice(0, -4)}00` }
  const pushed = await askPush(allowedRepo(server.url('a')), pushOptions({ oid }), small)
  assert.equal(pushed.outcome, 'created')
})

test('hooks may take long as long as the server says that it lives', async () => {
  server.fault = { kind: 'report', body: reportOf('unpack ok', `ok ${ref}`), keepalives: 40 }
  const pushed = await askPush(allowedRepo(server.url('a')), pushOptions({ oid }), small, { packIdleMs: 500 })
  assert.equal(pushed.outcome, 'created')
})

test('a small pack says how long it is, and a great one comes in chunks, which not every server takes', async () => {
  server.fault = { kind: 'no-chunks' }
  const push = (pack: AsyncIterable<Uint8Array>) =>
    askPush(allowedRepo(server.url('a')), pushOptions({ oid }), async () => pack)
  assert.equal((await push(await small())).outcome, 'created')
  const [, post] = server.requests
  assert(Number(post?.headers['content-length']) > 100)
  await bare.git(['update-ref', '-d', 'refs/heads/main'])
  server.forgetRequests()
  const error = await askPushFailure(allowedRepo(server.url('a')), pushOptions({ oid }), async () =>
    pieces(randomBytes(2_000_000)),
  )
  assert.equal(error.code, 'push_rejected')
  assert.match(error.message, /length/)
  assert.equal(server.requests.at(-1)?.headers['transfer-encoding'], 'chunked')
})

test('a server that takes nothing more is given up, its source was not read ahead and is let go', async () => {
  server.fault = { kind: 'stall', at: 'command' }
  let bytes = 0
  let isLetGo = false
  async function* endless() {
    try {
      for (;;) {
        bytes += 65_536
        yield Buffer.alloc(65_536)
      }
    } finally {
      isLetGo = true
    }
  }
  const options = pushOptions({ oid })
  const error = await askPushFailure(allowedRepo(server.url('a')), options, async () => endless(), { packIdleMs: 300 })
  assert.equal(error.code, 'remote_timeout')
  assert(isLetGo)
  // As much as the kernel's own buffers hold.
  assert(bytes < 32 * 1024 * 1024, `${bytes}`)
})
