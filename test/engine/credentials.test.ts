import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { inspect } from 'node:util'
import { AppError, hasCode, toProblem, type ErrorCode } from '../../src/core/errors.ts'
import {
  credentialsSchema,
  fingerprint,
  loadCredentials,
  openCredential,
  requestAuthorization,
  selectCredential,
} from '../../src/engine/credentials.ts'
import { scratchPlace } from '../support/scratch-place.ts'

const secret = 'hunter2-token'
let root: string

before(async () => {
  root = await mkdtemp(join(scratchPlace, 'forkyard-credentials-'))
})

after(async () => await rm(root, { recursive: true }))

const entry = { host: 'git.example', username: 'bot', passwordEnv: 'TOKEN', use: ['fetch'] }

async function load(content: unknown, requiresTenants = false) {
  const path = join(root, 'credentials.json')
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return await loadCredentials(path, { requiresTenants })
}

function shown(thing: unknown): string {
  return `${inspect(thing, { depth: 9, showHidden: true })} ${JSON.stringify(thing)} ${String(thing)}`
}

function assertSilent(...things: unknown[]) {
  const encoded = Buffer.from(`bot:${secret}`).toString('base64')
  for (const thing of things) for (const form of [secret, encoded]) assert(!shown(thing).includes(form), shown(thing))
}

function withCode(code: ErrorCode) {
  return (error: unknown) => {
    assertSilent(error, error instanceof AppError ? toProblem(error) : error)
    return hasCode(error, code)
  }
}

test('a list of credentials is read, hosts in lower case and without the default port', async () => {
  const list = await load([{ ...entry, host: 'GIT.Example:443', owner: 'team/sub', tenants: ['a'] }])
  assert.deepEqual(list, [{ ...entry, host: 'git.example', owner: 'team/sub', tenants: ['a'] }])
})

test('entries that are malformed are settings_invalid, and what they hold is not repeated', async () => {
  const { passwordEnv: _, ...bare } = entry
  const wrong = [
    { ...bare },
    { ...bare, password: secret },
    { ...entry, password: secret },
    { ...entry, passwordEnv: `${secret}!` },
    { ...entry, passwordFile: '/x' },
    { ...bare, passwordFile: secret },
    { ...entry, host: `https://bot:${secret}@git.example` },
    { ...entry, host: `git.example/${secret}` },
    { ...entry, owner: `/${secret}` },
    { ...entry, username: `bot:${secret}` },
    { ...entry, username: '' },
    { ...entry, use: [] },
    { ...entry, use: [secret] },
    { ...entry, tenants: [] },
    { ...entry, [secret]: 1 },
    secret,
  ]
  for (const item of wrong) await assert.rejects(load([item]), withCode('settings_invalid'), JSON.stringify(item))
  for (const content of [entry, `[{"password": "${secret}"`, '', 'null', `"${secret}"`]) {
    await assert.rejects(load(content), withCode('settings_invalid'))
  }
  await assert.rejects(loadCredentials(join(root, 'missing'), { requiresTenants: false }), withCode('settings_invalid'))
})

test('once callers are told apart, every entry says whose it is', async () => {
  await assert.rejects(load([{ ...entry, tenants: ['a'] }, entry], true), withCode('settings_invalid'))
  assert.equal((await load([{ ...entry, tenants: ['a'] }], true)).length, 1)
})

test('the entry with the longest owner that fits is chosen', () => {
  const list = credentialsSchema.parse([
    { ...entry, username: 'host' },
    { ...entry, username: 'team', owner: 'team' },
    { ...entry, username: 'sub', owner: 'team/sub' },
    { ...entry, username: 'pusher', owner: 'team/sub', use: ['push'] },
    { ...entry, username: 'port', host: 'git.example:8443' },
  ])
  const choose = (path: string, use: 'fetch' | 'push' = 'fetch', host = 'git.example') =>
    selectCredential(list, { host, path, use, tenant: null })?.username ?? null
  assert.equal(choose('/other/repo'), 'host')
  assert.equal(choose('/team/repo'), 'team')
  assert.equal(choose('/teams/repo'), 'host')
  assert.equal(choose('/team'), 'host')
  assert.equal(choose('/team/sub/repo'), 'sub')
  assert.equal(choose('/team/sub/repo', 'push'), 'pusher')
  assert.equal(choose('/team/repo', 'push'), null)
  assert.equal(choose('/team/repo', 'fetch', 'git.example:8443'), 'port')
  for (const host of ['example', 'sub.git.example', 'git.example:80', 'git.example.evil']) {
    assert.equal(choose('/team/repo', 'fetch', host), null)
  }
})

test('a tenant is given its own entries only', () => {
  const list = credentialsSchema.parse([
    { ...entry, username: 'a', tenants: ['a'] },
    { ...entry, username: 'nobody', owner: 'team' },
  ])
  const choose = (tenant: string | null) =>
    selectCredential(list, { host: 'git.example', path: '/team/repo', use: 'fetch', tenant })?.username ?? null
  assert.equal(choose('a'), 'a')
  assert.equal(choose('b'), null)
  assert.equal(choose(null), 'nobody')
})

test('the secret comes from where the entry says, at the time it is used', async () => {
  const path = join(root, 'token')
  const [fromEnv, fromFile] = credentialsSchema.parse(
    [entry, { ...entry, passwordEnv: undefined, passwordFile: path }].map((item) => JSON.parse(JSON.stringify(item))),
  )
  assert(fromEnv && fromFile)
  const header = `Basic ${Buffer.from(`bot:${secret}`).toString('base64')}`
  assert.equal((await openCredential(fromEnv, { environment: { TOKEN: secret } })).header(), header)
  await writeFile(path, `${secret}\n`)
  const first = await openCredential(fromFile, { environment: {} })
  assert.equal(first.header(), header)
  await writeFile(path, 'rotated')
  const second = await openCredential(fromFile, { environment: {} })
  assert.notEqual(fingerprint(first), fingerprint(second))
  await writeFile(path, `${secret}\nsecond line`)
  await assert.rejects(openCredential(fromFile, { environment: {} }), withCode('settings_invalid'))
  await rm(path)
  await assert.rejects(openCredential(fromFile, { environment: {} }), withCode('settings_invalid'))
  for (const environment of [{}, { TOKEN: '' }, { TOKEN: `${secret}\r\nx: y` }]) {
    await assert.rejects(openCredential(fromEnv, { environment }), withCode('settings_invalid'))
  }
})

test('an opened credential shows its secret nowhere', async () => {
  const [credential] = credentialsSchema.parse([entry])
  assert(credential)
  const opened = await openCredential(credential, { environment: { TOKEN: secret } })
  assertSilent(opened, { opened }, [opened], Object.entries(opened), new Error('x', { cause: opened }))
  assert.equal(JSON.stringify({ opened }), '{"opened":"[secret]"}')
  assert.equal(inspect(opened), '[secret]')
  // oxlint-disable-next-line typescript/no-base-to-string -- that it says nothing is the point
  assert.equal(String(opened), '[secret]')
})

test('fingerprints tell credentials apart, are the same for the same, and empty for none', () => {
  const make = (text: string) => requestAuthorization(`Basic ${Buffer.from(text).toString('base64')}`)
  assert.equal(fingerprint(make('a:b')), fingerprint(make('a:b')))
  assert.notEqual(fingerprint(make('a:b')), fingerprint(make('a:c')))
  assert.match(fingerprint(make('a:b')), /^[0-9a-f]{64}$/)
  assert.equal(fingerprint(null), '')
})

test("a request's own credential has to be Basic with a name and a password", () => {
  const encode = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
  assert.equal(requestAuthorization(encode(`bot:${secret}`)).header(), encode(`bot:${secret}`))
  assert.equal(requestAuthorization(encode('bot:').replace('Basic', 'basic')).header(), encode('bot:'))
  const wrong = [
    '',
    'Basic',
    'Basic ',
    `Bearer ${secret}`,
    encode(secret),
    encode(`bot:${secret}\r\nHost: x`),
    encode(`b\u0000t:${secret}`),
    `${encode(`bot:${secret}`)}\r\nX: y`,
    `${encode(`bot:${secret}`)} x`,
    encode(`bot:${secret.repeat(1000)}`),
  ]
  for (const value of wrong) assert.throws(() => requestAuthorization(value), withCode('input_invalid'), value)
})
