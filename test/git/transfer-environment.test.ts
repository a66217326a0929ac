import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { transferEnvironment, type TransferSource } from '../../src/git/transfer-environment.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { scratchDir } from '../support/operation-run.ts'
import { hermeticGit, makeRepository, type Repository } from '../support/repository.ts'

const cleaning: (() => Promise<void>)[] = []
const password = 'open-sesame-77'
const authorization = `Basic ${Buffer.from(`robot:${password}`).toString('base64')}`
let root: string
let source: Repository
let server: GitServer
let other: GitServer

before(async () => {
  root = await scratchDir({ after: (clean) => void cleaning.push(clean as () => Promise<void>) })
  source = await makeRepository(`${root}/repo.git`, { bare: true })
  await source.commit({ files: { a: 'a\n', '.gitattributes': '* filter=evil\n' } })
  server = await startGitServer({ root })
  other = await startGitServer({ root })
})
after(async () => {
  await Promise.all([server.close(), other.close()])
  for (const clean of cleaning) await clean()
})

/** Fetches as a courier does, into a repository of its own; resolves with what git said, an error's words included. */
async function fetch(name: string, from: Partial<TransferSource>, config: readonly string[] = []): Promise<string> {
  const target = await makeRepository(`${root}/${name}`)
  for (const setting of config) await target.git(['config', ...setting.split('=')])
  const reach = { url: server.url('repo'), pin: `127.0.0.1:${server.port}:127.0.0.1`, authorization: null, ...from }
  const settings = { correlationId: 'test', source: reach, idleSeconds: 5, negotiation: 'default' } as const
  // On the host the template's place is taken by nothing at all.
  const env = { ...transferEnvironment(settings), PATH: '/usr/bin:/bin' }
  const tip = await source.git(['rev-parse', 'main'])
  return hermeticGit(target.dir, ['fetch', '--no-tags', '--no-write-fetch-head', 'courier', tip], { env }).then(
    () => 'fetched',
    (error: unknown) => String(error),
  )
}

test('git connects to the address that was checked, whatever the name system would say', async () => {
  const url = `http://pinned.invalid:${server.port}/repo`
  assert.equal(await fetch('pinned', { url, pin: `pinned.invalid:${server.port}:127.0.0.1` }), 'fetched')
  const elsewhere = await fetch('unpinned', { url, pin: `another.invalid:${server.port}:127.0.0.1` })
  assert.match(elsewhere, /Could not resolve host/)
})

test('git itself follows no redirect, and the credential goes nowhere else', async () => {
  other.forgetRequests()
  for (const on of ['GET', 'POST'] as const) {
    server.fault = { kind: 'redirect', to: other.url('').slice(0, -1), on }
    assert.match(await fetch(`redirected-${on}`, { authorization }), /redirect|302/)
  }
  server.fault = null
  assert.equal(other.requests.length, 0)
})

test('a credential is sent to its repository, and proxies of the machine are not asked', async () => {
  server.auth = { username: 'robot', password }
  process.env['http_proxy'] = 'http://127.0.0.1:1'
  assert.equal(await fetch('authorized', { authorization }), 'fetched')
  delete process.env['http_proxy']
  const refused = await fetch('unauthorized', {})
  assert.match(refused, /could not read Username|Authentication failed|terminal prompts disabled/)
  server.auth = null
})

test('no other transport is spoken, and a plain one only where the source is plain', async () => {
  for (const url of [
    `ext::sh -c "touch ${root}/mark"`,
    'fd::3',
    source.dir,
    `file://${source.dir}`,
    'git://127.0.0.1/a',
  ])
    assert.match(await fetch(`transport-${Buffer.from(url).toString('hex').slice(0, 40)}`, { url }), /not allowed/)
  assert(!existsSync(`${root}/mark`))
  const { GIT_ALLOW_PROTOCOL } = transferEnvironment({
    correlationId: '',
    source: { url: 'https://example.com/a', pin: '', authorization: null },
    idleSeconds: 1,
    negotiation: 'default',
  })
  assert.equal(GIT_ALLOW_PROTOCOL, 'https')
})

test('nothing that a repository configures is run by a fetch', async () => {
  const run = `touch ${root}/ran`
  await writeFile(`${root}/hook`, `#!/bin/sh\n${run}\n`, { mode: 0o755 })
  const config = [
    `core.hooksPath=${root}`,
    `core.fsmonitor=${run}`,
    `core.sshCommand=${run}`,
    `gpg.program=${root}/hook`,
  ]
  const more = [`credential.helper=!${run}`, `core.askPass=${root}/hook`, `core.alternateRefsCommand=${run}`]
  assert.equal(await fetch('configured', {}, [...config, ...more]), 'fetched')
  server.auth = { username: 'robot', password }
  await fetch('configured-refused', {}, more)
  server.auth = null
  assert(!existsSync(`${root}/ran`))
})

test('bundles a server offers elsewhere are not fetched', async () => {
  server.fault = { kind: 'bundle-uri' }
  server.forgetRequests()
  assert.equal(await fetch('bundles', {}), 'fetched')
  server.fault = null
  assert.equal(server.count('bundle-uri'), 0)
})

test('the credential is in one value of the environment and in no name', () => {
  const env = transferEnvironment({
    correlationId: '',
    source: { url: 'https://example.com/a', pin: 'example.com:443:1.2.3.4', authorization },
    idleSeconds: 1,
    negotiation: 'noop',
  })
  const holders = Object.entries(env).filter(([name, value]) => `${name} ${value}`.includes(authorization))
  assert.equal(holders.length, 1)
  assert.match(holders[0]?.[0] ?? '', /^GIT_CONFIG_VALUE_\d+$/)
})
