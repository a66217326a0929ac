import assert from 'node:assert/strict'
import { createCipheriv } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { inspect } from 'node:util'
import { toProblem } from '../../src/core/errors.ts'
import { finish } from '../../src/core/exec.ts'
import { makeHome } from '../support/engine-home.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { leftovers } from '../support/leftovers.ts'
import { makeRepository } from '../support/repository.ts'
import { watchSecret } from '../support/secret-watch.ts'

const secret = watchSecret()
const { username, password, authorization: gitAuthorization } = secret

const home = makeHome()
const credentialsFile = join(home.dir, 'credentials.json')
let server: GitServer
let other: GitServer
let repo: string

before(async () => {
  const source = await makeRepository(`${home.dir}/team/private.git`, { bare: true })
  // Large enough that who looks at all processes again and again meets the one that takes the pack.
  const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(8_000_000))
  await source.commit({ files: { 'secret.txt': 'only for some\n', noise } })
  server = await startGitServer({ root: home.dir, auth: { username, password } })
  other = await startGitServer({ root: home.dir })
  repo = server.url('team/private')
  const entry = { host: server.host, owner: 'team', username: 'robot', passwordEnv: 'ROBOT_PASSWORD', use: ['fetch'] }
  await writeFile(credentialsFile, JSON.stringify([entry]))
})
after(() => Promise.all([server.close(), other.close()]))

test('while a slow private repository is fetched, and ever after, the credential is in no other process, file, receipt or sandbox', async () => {
  const engine = await home.open()
  server.delayMs = 150
  const work = engine.exec(
    { repo, argv: ['sh', '-c', 'env; cat .git/config /proc/1/environ /proc/1/cmdline; cat secret.txt'] },
    { gitAuthorization },
  )
  assert((await secret.whileAtWork(work, 'index-pack')) > 0)
  server.delayMs = 0
  const { running, receipt } = await work
  const { code, stdout, stderr } = await finish(running)
  assert.equal(code, 0)
  assert.match(stdout.toString(), /only for some/)
  secret.hidden(stdout.toString('latin1') + stderr.toString('latin1'), 'the sandbox')
  secret.hidden(inspect(await receipt, { depth: 9 }), 'the receipt')
  await secret.notInFiles(home.settings.stateDir)
})

test('the same by the command line, with the credential from its environment and from a file of credentials', async () => {
  const first = await home.forkyard(['read-file', repo, '--path=secret.txt', '--json'], {
    FORKYARD_GIT_AUTHORIZATION: gitAuthorization,
  })
  assert.deepEqual([first.code, first.stderr], [0, ''])
  const named = { FORKYARD_CREDENTIALS_FILE: credentialsFile, ROBOT_PASSWORD: password }
  const started = home.start(['run', repo, '--json', '--', 'env'], named)
  const { code, stdout, stderr } = await started.end
  assert.deepEqual([code, stderr], [0, ''])
  secret.hidden(first.stdout + stdout, 'the output')
  await secret.notInFiles(home.settings.stateDir)
})

test('without a credential the answer is auth_required at once, without a prompt, cold and warm alike', async () => {
  const cold = endOf(await home.forkyard(['log', repo, '--json']))
  assert.deepEqual(cold, { code: 1, problem: 'auth_required' })
  const nothing = server.url('team/nothing')
  assert.deepEqual(endOf(await home.forkyard(['log', nothing, '--json'])), cold)
  const wrong = { FORKYARD_GIT_AUTHORIZATION: `Basic ${Buffer.from('robot:wrong').toString('base64')}` }
  assert.deepEqual(endOf(await home.forkyard(['read-file', repo, '--path=secret.txt', '--json'], wrong)), cold)
})

function endOf({ code, stderr }: { code: number | null; stderr: string }) {
  return { code, problem: (JSON.parse(stderr) as { code: string }).code }
}

test('who is refused gets neither image, result nor remembered ref that another caller made', async () => {
  const engine = await home.open()
  const stale = { repo, maxStalenessMs: 3_600_000, path: 'secret.txt' }
  await engine.run('read-file', stale, { gitAuthorization })
  assert.equal((await engine.run('read-file', stale, { gitAuthorization })).receipt.tier, 'result')
  const intruders = [undefined, `Basic ${Buffer.from('robot:guess').toString('base64')}`]
  for (const guess of intruders) {
    const options = guess === undefined ? {} : { gitAuthorization: guess }
    for (const attempt of [
      () => engine.run('read-file', stale, options),
      () => engine.run('branches', { repo }, options),
      () => engine.explain('log', { repo }, options),
      () => engine.warm({ repo }, options),
      () => engine.exec({ repo, argv: ['cat', 'secret.txt'] }, options),
    ]) {
      const warm = await problemOf(attempt())
      const cold = await problemOf(engine.run('log', { repo: server.url('team/nothing') }, options))
      assert.deepEqual(warm, cold)
    }
  }
})

async function problemOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => assert.fail('was served'),
    (error: unknown) => toProblem(error),
  )
}

test('access that was taken away is noticed by the next request', async () => {
  const engine = await home.open()
  await engine.run('log', { repo }, { gitAuthorization })
  server.fault = { kind: 'status', status: 403 }
  await assert.rejects(engine.run('log', { repo }, { gitAuthorization }), { code: 'access_denied' })
  // Nor does what was known before serve any longer, however old it may be.
  const stale = { repo, maxStalenessMs: 3_600_000 }
  await assert.rejects(engine.run('log', stale, { gitAuthorization }), { code: 'access_denied' })
  server.fault = null
})

test('failures of every kind show the credential nowhere', async () => {
  const engine = await home.open()
  const faults = [
    { kind: 'status', status: 401, realm: `\u001b[2J${password}` },
    { kind: 'status', status: 404 },
    { kind: 'status', status: 500 },
    { kind: 'redirect', to: other.url('').slice(0, -1) },
    { kind: 'html' },
    { kind: 'cut-pack', afterBytes: 10 },
    { kind: 'not-our-ref' },
  ] as const
  const unseen = await makeRepository(`${home.dir}/team/unseen.git`, { bare: true })
  await unseen.commit({ files: { a: 'a\n' } })
  for (const fault of faults) {
    server.fault = fault
    const problem = await problemOf(engine.run('log', { repo: server.url('team/unseen') }, { gitAuthorization }))
    const own = password === (fault as { realm?: string }).realm ? [] : [inspect(problem, { depth: 9 })]
    for (const text of own) secret.hidden(text, fault.kind)
    const shown = await home.forkyard(['log', server.url('team/unseen')], {
      FORKYARD_GIT_AUTHORIZATION: gitAuthorization,
    })
    assert.equal(shown.code, 1)
    secret.hidden(shown.stdout + shown.stderr, fault.kind)
  }
  server.fault = null
  assert.equal(other.requests.filter(({ hasAuthorization }) => hasAuthorization).length, 0)
  await secret.notInFiles(home.settings.stateDir)
})

test('a credential for one host is sent to no other', async () => {
  const environment = { ROBOT_PASSWORD: password }
  const engine = await home.open({ credentialsFile }, environment)
  other.forgetRequests()
  await engine.run('log', { repo: other.url('team/private') })
  await engine.run('log', { repo })
  assert.deepEqual([...new Set(other.requests.map(({ hasAuthorization }) => hasAuthorization))], [false])
})

test('nothing is left of all this but images', () => {
  assert.deepEqual(leftovers(home), [])
})
