import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FastifyRequest } from 'fastify'
import { repetitions, type Sent } from '../../src/http/repetitions.ts'
import { makeGround } from '../support/engine-repository.ts'
import { runService } from '../support/running-service.ts'

const ground = makeGround(async (source) => {
  await source.commit({ files: { 'README.md': '# Ground\n' } })
})
const service = runService(ground.home)

function post(path: string, body: object, headers: Record<string, string> = {}, signal?: AbortSignal) {
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } }
  return fetch(service.url + path, { ...init, body: JSON.stringify(body), ...(signal === undefined ? {} : { signal }) })
}

async function openIds(): Promise<readonly string[]> {
  const { value } = (await (await fetch(`${service.url}/v1/workspaces`)).json()) as { value: { id: string }[] }
  return value.map(({ id }) => id)
}

async function closeAll(): Promise<void> {
  for (const id of await openIds()) await fetch(`${service.url}/v1/workspaces/${id}`, { method: 'DELETE' })
}

test('equal requests with one key have one effect, at once or later, and one answer', async () => {
  const once = () => post('/v1/workspaces', { repo: ground.repo }, { 'idempotency-key': 'once' })
  const first = await Promise.all(Array.from({ length: 50 }, once))
  const answers = await Promise.all([...first, await once()].map(async (each) => [each.status, await each.text()]))
  assert.equal(new Set(answers.map(String)).size, 1)
  assert.equal(answers[0]?.[0], 201)
  assert.equal((await openIds()).length, 1)
  await post('/v1/workspaces', { repo: ground.repo }, { 'idempotency-key': 'another' })
  await post('/v1/workspaces', { repo: ground.repo })
  assert.equal((await openIds()).length, 3)
  await closeAll()
})

test('a key stands for one request on one route', async () => {
  const headers = { 'idempotency-key': 'mine' }
  const { value } = (await (await post('/v1/workspaces', { repo: ground.repo }, headers)).json()) as {
    value: { id: string }
  }
  const other = await post('/v1/workspaces', { repo: ground.repo, ttlMs: 5000 }, headers)
  assert.deepEqual([other.status, ((await other.json()) as { code: string }).code], [422, 'idempotency_mismatch'])
  const credential = { 'git-authorization': 'Basic eDp5' }
  assert.equal((await post('/v1/workspaces', { repo: ground.repo }, { ...headers, ...credential })).status, 422)
  const commit = { message: 'Once', allowEmpty: true }
  const commits = await Promise.all(
    [1, 2].map(() => post(`/v1/workspaces/${value.id}/operations/commit`, commit, headers)),
  )
  assert.equal(new Set(await Promise.all(commits.map((each) => each.text()))).size, 1)
  const bad = await post('/v1/workspaces', { repo: ground.repo }, { 'idempotency-key': 'two words' })
  assert.equal(bad.status, 400)
  await closeAll()
})

test('what failed, or whose callers all went, is done anew', async () => {
  const headers = { 'idempotency-key': 'again' }
  assert.equal((await post('/v1/workspaces', { repo: ground.repo, ref: 'later' }, headers)).status, 404)
  await ground.source.branch('later', 'main')
  assert.equal((await post('/v1/workspaces', { repo: ground.repo, ref: 'later' }, headers)).status, 201)
  const leaving = new AbortController()
  const gone = post('/v1/workspaces', { repo: ground.repo }, { 'idempotency-key': 'gone' }, leaving.signal)
  leaving.abort()
  await assert.rejects(gone)
  assert.equal((await post('/v1/workspaces', { repo: ground.repo }, { 'idempotency-key': 'gone' })).status, 201)
  await closeAll()
})

test('a key that is tried again while its first try unwinds still stands for one request', async () => {
  const store = repetitions()
  const ask = (body: string, work: (signal: AbortSignal) => Promise<Sent>, signal: AbortSignal) => {
    const request = { headers: { 'idempotency-key': 'k' }, method: 'POST', url: '/x', body, tenant: null }
    return store.once(request as unknown as FastifyRequest, work, { signal })
  }
  const answer = (body: string): Sent => ({ status: 200, headers: {}, body })
  const unwinding = Promise.withResolvers<void>()
  const leaving = new AbortController()
  const first = ask('one', () => unwinding.promise.then(() => assert.fail('gone')), leaving.signal)
  leaving.abort(new Error('left'))
  await new Promise((resolve) => setImmediate(resolve))
  const { signal } = new AbortController()
  const again = ask('one', async () => answer('again'), signal)
  await assert.rejects(
    ask('two', async () => answer('two'), signal),
    { code: 'idempotency_mismatch' },
  )
  unwinding.resolve()
  await assert.rejects(first, /left/)
  assert.equal((await again).body, 'again')
  await assert.rejects(
    ask('two', async () => answer('two'), signal),
    { code: 'idempotency_mismatch' },
  )
})

test('an answer at a fixed commit has a tag; who has it already gets no body', async () => {
  const first = await post('/v1/operations/log', { repo: ground.repo })
  const etag = first.headers.get('etag') ?? ''
  assert.match(etag, /^W\/"[\w-]{43}"$/)
  const second = await post('/v1/operations/log', { repo: ground.repo }, { 'if-none-match': `"x", ${etag}` })
  assert.deepEqual([second.status, await second.text()], [304, ''])
  await ground.source.commit({ files: { 'more.txt': 'more\n' } })
  const third = await post('/v1/operations/log', { repo: ground.repo }, { 'if-none-match': etag })
  assert.deepEqual([third.status, third.headers.get('etag') === etag], [200, false])
})
