import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import { before, test } from 'node:test'
import type { Service } from '../../../src/cli/doors.ts'
import { composeService } from '../../../src/compose.ts'
import { parseSettings } from '../../../src/config.ts'
import { spanChannel } from '../../../src/core/spans.ts'
import type { SharedState } from '../../../src/engine/contract.ts'
import { makeGround } from '../../support/engine-repository.ts'
import { leftovers } from '../../support/leftovers.ts'

const ground = makeGround((source) => source.commit({ files: { 'README.md': '# Ground\n' } }))
const lines: string[] = []
let service: Service
let url: string

before(async () => {
  const settings = parseSettings({ ...ground.home.settings, log: 'debug' })
  service = await composeService(
    settings,
    {},
    { version: '1.2.3', logTo: { write: (line: string) => lines.push(line) > 0 } },
  )
  url = await service.listen({ host: '127.0.0.1', port: 0 })
})

const json = { 'content-type': 'application/json' }
const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url + path, { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify(body) })

async function get(path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url + path)
  return { status: response.status, body: await response.json() }
}

/** A series of the exposition by its beginning; waits for what is counted when a connection closes. */
async function seriesThat(isWanted: (line: string) => boolean): Promise<string> {
  for (;;) {
    const line = (await (await fetch(`${url}/metrics`)).text()).split('\n').find(isWanted)
    if (line !== undefined) return line
  }
}

/** The line that a request left in the log, once it has. */
async function lineOf(correlationId: string | null): Promise<Record<string, unknown>> {
  for (;;) {
    const line = lines.find((each) => each.includes(`"correlationId":"${correlationId}"`))
    if (line !== undefined) return JSON.parse(line) as Record<string, unknown>
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('a request is one line: what was asked by its route, how it ended, what served it', async () => {
  const answer = await post('/v1/operations/log', { repo: ground.repo })
  await answer.text()
  const { time, ms, details, ...line } = await lineOf(answer.headers.get('x-correlation-id'))
  assert(Date.parse(String(time)) > 0 && Number(ms) > 0)
  assert.deepEqual(line, {
    level: 'info',
    correlationId: answer.headers.get('x-correlation-id'),
    method: 'POST',
    route: '/v1/operations/{name}',
    status: 200,
    operation: 'log',
    tier: 'clone',
    msg: 'request',
  })
  // The first of all is the sample.
  assert.deepEqual(Object.keys(details as object), ['why', 'repo', 'problem', 'phases', 'git', 'stderr'])
  const again = await post('/v1/operations/log', { repo: ground.repo })
  await again.text()
  const quick = await lineOf(again.headers.get('x-correlation-id'))
  assert.deepEqual([quick['tier'], 'details' in quick], ['result', false])
})

test('no secret of a request reaches the log or the metrics, however it came', async () => {
  const secret = 'hunter2-of-the-day-0123456789'
  const before = lines.length
  const attempts = [
    await fetch(`${url}/v1/images?key=${secret}`, {
      headers: { authorization: `Bearer ${secret}`, cookie: `a=${secret}` },
    }),
    await post('/v1/operations/log', { repo: `https://robot:${secret}@127.0.0.1/a` }),
    await post('/v1/operations/log', { repo: ground.repo, revision: `ghp_${secret}` }),
    await post('/v1/operations/log', { repo: `${ground.repo}?token=${secret}` }),
    await post(
      '/v1/operations/log',
      { repo: ground.server.url('none') },
      { 'git-authorization': `Basic ${btoa(`a:${secret}`)}` },
    ),
    await fetch(`${url}/${secret}`),
  ]
  for (const attempt of attempts) await lineOf(attempt.headers.get('x-correlation-id'))
  await Promise.all(attempts.map((attempt) => attempt.text()))
  const told = lines.slice(before).join('') + (await (await fetch(`${url}/metrics`)).text())
  assert(told.includes('"code":"url_invalid"') && told.includes('"code":"ref_not_found"'))
  for (const form of [secret, btoa(`a:${secret}`)]) assert(!told.includes(form))
})

test('metrics tell requests by route and status, operations, streams under way and what is held', async () => {
  const opened = (await (await post('/v1/workspaces', { repo: ground.repo })).json()) as { value: { id: string } }
  const workspace = `/v1/workspaces/${opened.value.id}`
  const accept = { accept: 'application/x-ndjson' }
  const stream = await post(`${workspace}/exec`, { argv: ['sh', '-c', 'echo up; sleep 100'] }, accept)
  const reader = stream.body?.getReader()
  await reader?.read()
  assert.equal(await seriesThat((line) => line.startsWith('forkyard_http_streams ')), 'forkyard_http_streams 1')
  assert.equal(await seriesThat((line) => line.startsWith('forkyard_workspaces ')), 'forkyard_workspaces 1')
  await seriesThat((line) => line === 'forkyard_programs 1')
  await reader?.cancel()
  await seriesThat((line) => line === 'forkyard_http_streams 0')
  await seriesThat((line) => /^forkyard_operations_total\{operation="exec",.*outcome="canceled"\} 1$/.test(line))
  await fetch(url + workspace, { method: 'DELETE' })
  await seriesThat((line) => line === 'forkyard_workspaces 0')
  await seriesThat(
    (line) => line === 'forkyard_http_requests_total{method="POST",route="/v1/workspaces",status="2xx"} 1',
  )
  await seriesThat((line) => line === 'forkyard_http_requests_total{method="GET",route="none",status="4xx"} 1')
  await seriesThat((line) =>
    line.startsWith('forkyard_http_request_duration_seconds_count{route="/v1/workspaces/{id}"}'),
  )
  await seriesThat((line) => line.startsWith(`forkyard_repository_operations_total{repository="${ground.repo}"}`))
})

test('the state says in figures what the service holds', async () => {
  const { value } = (await get('/v1/state')).body as { value: Record<string, unknown> }
  const { uptimeMs, gitVersion, shared, host, ...state } = value
  assert(Number(uptimeMs) > 0)
  assert.match(String(gitVersion), /^\d+\.\d+/)
  assert.deepEqual(state, { version: '1.2.3', driver: 'local', workspaces: 0, programs: 0 })
  const { images, running } = shared as SharedState
  assert.deepEqual([images > 0, running], [true, 0])
  assert((host as { memory: { rssBytes: number } }).memory.rssBytes > 1e6)
})

test('what failed lately can be asked for', async () => {
  await post('/v1/operations/log', { repo: ground.repo, revision: 'nowhere' })
  const { body } = await get('/v1/operations/recent')
  const { value } = body as { value: readonly { why: string; outcome: string; operation: string }[] }
  const [{ why, outcome, operation } = assert.fail()] = value
  assert.deepEqual([why, outcome, operation], ['failed', 'ref_not_found', 'log'])
})

test('readiness: ready, then not while the state directory is gone, and ready again when it is back', async () => {
  const ready = async () => {
    const { status, body } = await get('/readyz')
    return { status, ...(body as { ready: boolean; degraded: readonly string[] }) }
  }
  const first = await ready()
  assert.deepEqual([first.status, first.ready], [200, true], first.degraded.join())
  const { stateDir } = ground.home.settings
  await rename(stateDir, `${stateDir}.away`)
  const without = await ready()
  await rename(`${stateDir}.away`, stateDir)
  assert.deepEqual([without.status, without.ready], [503, false])
  assert.match(without.degraded.join('\n'), /^state directory: it cannot be written \(ENOENT\)$/m)
  assert.equal((await ready()).status, 200)
  assert.equal((await get('/healthz')).status, 200)
})

test('when it ends nothing is left of it, and it counts no more', async () => {
  await service.close()
  assert.deepEqual(leftovers(ground.home), [])
  assert.equal(spanChannel.hasSubscribers, false)
})
