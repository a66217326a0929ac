import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { promisify } from 'node:util'
import type { ErrorCode } from '../../../src/core/errors.ts'
import { allowedRepo, askRefs, askRefsFailure, type Asking } from '../../support/ask-refs.ts'
import type { Fault } from '../../support/git-server-faults.ts'
import { startGitServer, type GitServer } from '../../support/git-server.ts'
import { hermeticEnv, makeRepository } from '../../support/repository.ts'
import { scratchPlace } from '../../support/scratch-place.ts'

let root: string
let server: GitServer
let id: string

before(async () => {
  root = await mkdtemp(join(scratchPlace, 'forkyard-faults-'))
  server = await startGitServer({ root })
  id = await (await makeRepository(join(root, 'a.git'), { bare: true })).commit({ files: { a: '1' } })
})

after(async () => {
  await server.close()
  await rm(root, { recursive: true })
})

afterEach(() => {
  server.fault = null
  server.forgetRequests()
})

const failure = (asking?: Asking) => askRefsFailure(allowedRepo(server.url('a')), asking)

const answers: readonly (readonly [ErrorCode, string, Fault, Asking?])[] = [
  ['auth_required', '401 for ever', { kind: 'status', status: 401, realm: '\u00e9\t" inject="x' }],
  ['access_denied', '403', { kind: 'status', status: 403 }],
  ['repo_not_found', '404', { kind: 'status', status: 404 }],
  ['repo_not_found', '410', { kind: 'status', status: 410 }],
  ['remote_failed', '500', { kind: 'status', status: 500 }],
  ['remote_failed', '429', { kind: 'status', status: 429 }],
  ['remote_timeout', '504', { kind: 'status', status: 504 }],
  ['remote_invalid', '418', { kind: 'status', status: 418 }],
  ['remote_invalid', 'a web page', { kind: 'html' }],
  ['remote_invalid', 'the dumb protocol', { kind: 'dumb' }],
  ['remote_timeout', 'silence', { kind: 'stall', at: 'start' }, { limits: { firstByteMs: 100 } }],
  [
    'remote_timeout',
    'silence after the advertisement',
    { kind: 'stall', at: 'command' },
    { limits: { firstByteMs: 500 } },
  ],
  ['remote_failed', 'an advertisement cut short', { kind: 'cut-advertisement' }],
  ['remote_timeout', 'an advertisement that stops', { kind: 'stalled-advertisement' }, { limits: { idleMs: 100 } }],
  ['remote_timeout', 'a trickle', { kind: 'trickle' }, { limits: { totalMs: 300 } }],
  ['remote_invalid', 'an endless advertisement', { kind: 'endless-advertisement' }],
  ['remote_invalid', 'a gzip bomb', { kind: 'gzip-advertisement' }],
  ['remote_invalid', 'endless refs', { kind: 'endless-refs' }, { maxRefsBytes: 1_000_000 }],
  ['remote_redirected', 'a redirect to another host', { kind: 'redirect', to: 'https://example.com' }],
  ['remote_redirected', 'a redirect to a file', { kind: 'redirect', to: 'file://' }],
  ['remote_redirected', 'a redirect to a local address', { kind: 'redirect', to: 'http://169.254.169.254' }],
  ['remote_redirected', 'a redirect in a circle', { kind: 'redirect', to: '/a' }],
  ['remote_redirected', 'a redirect of the question', { kind: 'redirect', to: '/a', on: 'POST' }],
  ['remote_redirected', 'a redirect to an odd path', { kind: 'redirect', to: '/a%2f..' }],
  ['remote_redirected', 'a redirect with a password', { kind: 'redirect', to: 'http://u:p@127.0.0.1' }],
]

for (const [code, what, fault, asking] of answers) {
  test(`${what} is ${code}`, async () => {
    server.fault = fault
    assert.equal((await failure(asking)).code, code)
  })
}

const malformed = {
  'an empty answer': ['remote_failed', ''],
  'no packets': ['remote_invalid', 'hello world'],
  'a length that is too great': ['remote_invalid', 'fff5'],
  'a length that cannot be': ['remote_invalid', '0003'],
  'a packet cut short': ['remote_failed', '000eversion'],
  'another service': ['remote_invalid', '001f# service=git-receive-pack\n0000'],
  'no abilities': ['remote_invalid', '000eversion 2\n0000'],
  'no abilities in version 0': ['remote_invalid', `003d${'1'.repeat(40)} refs/heads/main\n0000`],
  'a ref without an id': ['remote_invalid', '0018xyz refs/heads/m\0shallow0000'],
  'an unknown object format': ['remote_invalid', '000eversion 2\n0015object-format=md5\n000cls-refs\n000afetch\n0000'],
  'an error': ['remote_failed', '000fERR go away\n'],
  'more after the end': ['remote_invalid', '000eversion 2\n000cls-refs\n000afetch\n00000000'],
} as const

for (const [what, [code, body]] of Object.entries(malformed)) {
  test(`an advertisement that holds ${what} is ${code}`, async () => {
    server.fault = { kind: 'advertisement', body }
    assert.equal((await failure()).code, code)
  })
}

test("git's own client asks for a password, follows a redirect and waits for ever where ours does not", async () => {
  const lsRemote = (fault: Fault) => {
    server.fault = fault
    const env = { ...hermeticEnv, GIT_ASKPASS: '/bin/echo' }
    return promisify(execFile)('git', ['ls-remote', server.url('a')], { env, timeout: 300, killSignal: 'SIGKILL' })
  }
  await assert.rejects(lsRemote({ kind: 'status', status: 401 }), /Authentication failed/)
  assert(server.requests.some(({ hasAuthorization }) => hasAuthorization))
  await assert.rejects(lsRemote({ kind: 'stall', at: 'start' }), { killed: true })
  const other = await startGitServer({ root })
  assert.match((await lsRemote({ kind: 'redirect', to: `http://${other.host}` })).stdout, new RegExp(id))
  await other.close()
})

test('a credential goes to the recorded host only', async () => {
  const other = await startGitServer({ root })
  server.fault = { kind: 'redirect', to: `http://${other.host}` }
  assert.equal((await failure()).code, 'remote_redirected')
  assert.equal(server.requests.filter(({ hasAuthorization }) => hasAuthorization).length, 1)
  assert.equal(other.requests.length, 0)
  await other.close()
})

test('names that git would refuse are dropped from the answer', async () => {
  const hostile = ['refs/heads/../../x', 'refs/../config', 'refs/heads/x.lock', '--upload-pack=x', 'refs//x']
  const lines = [...hostile, 'refs/heads/\u001b[2J', 'refs/heads/x~1', 'config', 'HEAD.lock', '', 'refs/heads/ok']
  server.fault = { kind: 'refs', lines: lines.map((name) => `${id} ${name}\n`) }
  assert.deepEqual(
    (await askRefs(allowedRepo(server.url('a')))).map(({ name }) => name),
    ['refs/heads/ok'],
  )
})

test('a bundle address that a server offers is never asked for', async () => {
  server.fault = { kind: 'bundle-uri' }
  assert.equal((await askRefs(allowedRepo(server.url('a')))).length, 2)
  assert.deepEqual(
    server.requests.map(({ command }) => command),
    [null, 'ls-refs'],
  )
})
