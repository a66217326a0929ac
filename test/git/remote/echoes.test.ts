import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { inspect } from 'node:util'
import { AppError, toProblem } from '../../../src/core/errors.ts'
import { httpRemoteDefaults, httpRemotes, type HttpRemotes } from '../../../src/git/remote/http-remote.ts'
import type { Remote } from '../../../src/git/remote/remote.ts'
import { allowedRepo } from '../../support/ask-refs.ts'
import type { Fault } from '../../support/git-server-faults.ts'
import { addHook, packFor, pushOptions } from '../../support/push-target.ts'
import { band, reportOf } from '../../support/git-server-push-faults.ts'
import { startGitServer, type GitServer } from '../../support/git-server.ts'
import { packet } from '../../support/git-server-wire.ts'
import { makeRepository, type Repository } from '../../support/repository.ts'
import { scratchPlace } from '../../support/scratch-place.ts'

const { signal } = new AbortController()
const password = `correct/horse ${randomUUID()}`
const encoded = Buffer.from(`robot:${password}`).toString('base64')
let remotes: HttpRemotes
let root: string
let server: GitServer
let work: Repository
let bare: Repository
let oid: string

before(async () => {
  root = await mkdtemp(join(scratchPlace, 'forkyard-echoes-'))
  server = await startGitServer({ root })
  work = await makeRepository(join(root, 'work'))
  bare = await makeRepository(join(root, 'a.git'), { bare: true })
  oid = await work.commit({ files: { a: '1' } })
  await bare.commit({ branch: 'old', files: { a: '0' } })
})

after(async () => {
  await server.close()
  await rm(root, { recursive: true })
})

afterEach(async () => {
  remotes.close()
  server.fault = null
  await bare.git(['update-ref', '-d', 'refs/heads/new'])
})

/** A remote nobody has spoken to yet. */
function open(header = `Basic ${encoded}`): Remote {
  remotes = httpRemotes(httpRemoteDefaults)
  return remotes.open(allowedRepo(server.url('a')), { fingerprint: header, header: () => header })
}

const push = (remote = open()) =>
  remote.push(pushOptions({ oid, ref: 'refs/heads/new' }), async () => packFor(work, oid, { old: null }))
const fetch = (onProgress: (text: string) => void = () => {}, remote = open()) =>
  remote.fetchPack(
    { wants: [oid], haves: [], shallow: [], depth: 1, filter: 'none', signal, onProgress },
    async ({ pack }) => {
      for await (const _ of pack) continue
    },
  )

/** Everything that can be shown of a failure holds no form of the secret, but something in its place. */
async function assertHidden(work: Promise<unknown>, forms: readonly string[] = secrets): Promise<void> {
  const error = await work.then(
    () => assert.fail('it went well'),
    (thrown: unknown) => thrown,
  )
  assert(error instanceof AppError, inspect(error))
  const shown = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(toProblem(error)) + String(error)
  for (const form of forms) assert(!shown.includes(form), shown)
  assert.match(JSON.stringify(error.details), /\*\*\*/, shown)
}

const secrets = [password, encoded, encodeURIComponent(password), password.slice(0, 20), encoded.slice(0, 40)]
/** What a server shows of what it was sent, and the forms it can have. */
const echoes: Readonly<Record<string, (sent: string) => string>> = {
  header: (sent) => `unexpected header ${sent}`,
  decoded: (sent) => `who is ${Buffer.from(sent.slice(6), 'base64').toString()}?`,
  password: () => `no ${password}, no ${password}`,
  url: () => `see https://host/?token=${encodeURIComponent(password)}`,
  'cut short': (sent) => `${'x'.repeat(250)} ${sent}`,
}

for (const [name, echo] of Object.entries(echoes)) {
  test(`what a server that is pushed to shows of the credential is shown no further (${name})`, async () => {
    const faults: readonly Fault[] = [
      { kind: 'report', body: (sent) => reportOf('unpack ok', `ng refs/heads/new ${echo(sent)}`) },
      { kind: 'report', body: (sent) => reportOf(`unpack ${echo(sent)}`, 'ng refs/heads/new failed') },
      {
        kind: 'report',
        body: (sent) => `${band(2, `${echo(sent)}\n`)}${reportOf('unpack ok', 'ng refs/heads/new hook')}`,
      },
      { kind: 'report', body: (sent) => `${band(2, `${echo(sent)}\n`)}${band(3, echo(sent))}0000` },
      { kind: 'report', body: (sent) => band(2, `${echo(sent)}\n`) },
      { kind: 'report', body: (sent) => packet(`ERR ${echo(sent)}\n`) },
      { kind: 'advertisement', body: (sent) => packet(`ERR ${echo(sent)}\n`) },
    ]
    for (const fault of faults) {
      server.fault = fault
      await assertHidden(push())
    }
  })

  test(`what a server that is fetched from shows of the credential is shown no further (${name})`, async () => {
    const faults: readonly Fault[] = [
      { kind: 'advertisement', body: (sent) => packet(`ERR ${echo(sent)}\n`) },
      { kind: 'fetch', body: (sent) => packet(`ERR ${echo(sent)}\n`) },
      { kind: 'fetch', body: (sent) => packet(`ERR upload-pack: not our ref ${echo(sent)}\n`) },
      { kind: 'fetch', body: (sent) => `${packet('packfile\n')}${band(3, echo(sent))}0000` },
    ]
    for (const fault of faults) {
      server.fault = fault
      await assertHidden(fetch())
    }
    server.fault = {
      kind: 'fetch',
      body: (sent) => `${packet('packfile\n')}${band(2, `${echo(sent)}\n`)}${band(3, echo(sent))}0000`,
    }
    const heard: string[] = []
    await assertHidden(fetch((text) => heard.push(text)))
    for (const form of [password, encoded]) assert(!heard.join('').includes(form))
    assert.match(heard.join(''), /\*\*\*/)
  })
}

test('a push that went well tells what a real hook says, without the credential', async () => {
  await addHook(bare, 'post-receive', `echo "thank you, ${password}" >&2`)
  const { outcome, said } = await push()
  assert.deepEqual([outcome, said], ['created', ['thank you, ***']])
})

test('a token without a password, and one of another scheme, are secrets as well', async () => {
  const token = `ghp_${randomUUID()}`
  for (const header of [`Basic ${Buffer.from(`${token}:`).toString('base64')}`, `Bearer ${token}`]) {
    server.fault = { kind: 'report', body: reportOf('unpack ok', `ng refs/heads/new not for ${token}`) }
    await assertHidden(push(open(header)), [token])
  }
})

test('an error without the credential is left as it is, and so is a word that is no secret', async () => {
  server.fault = { kind: 'report', body: reportOf('unpack ok', 'ng refs/heads/new a word of the hook') }
  const header = `Basic ${Buffer.from('robot:a').toString('base64')}`
  await assert.rejects(push(open(header)), (error) => {
    assert(error instanceof AppError)
    assert.deepEqual(error.details['said'], ['a word of the hook'])
    return true
  })
  const reason = new Error('mine')
  await assert.rejects(
    open().push(pushOptions({ oid, ref: 'refs/heads/other' }), () => Promise.reject(reason)),
    (error) => error === reason,
  )
})
