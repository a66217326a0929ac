import assert from 'node:assert/strict'
import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { makeGround } from '../support/engine-repository.ts'
import { startGitServer } from '../support/git-server.ts'
import { runService } from '../support/running-service.ts'

const ground = makeGround(async (source) => {
  await source.commit({ files: { 'README.md': '# Ground\n', 'src/a.txt': 'a\n' } })
  await source.commit({ files: { 'src/a.txt': 'a\nb\n' } })
})
const service = runService(ground.home)

interface Answered<Value> {
  readonly value: Value
  readonly receipt: { readonly correlationId: string; readonly commit: string; readonly phases: readonly object[] }
}

async function post<Value>(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answered<Value> & { readonly status: number; readonly headers: Headers; readonly code?: string }> {
  const response = await fetch(service.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  const answer = (await response.json()) as Answered<Value> & { code?: string }
  return { status: response.status, headers: response.headers, ...answer }
}

async function opened(more: object = {}): Promise<string> {
  const { status, value } = await post<{ id: string }>('/v1/workspaces', { repo: ground.repo, ...more })
  assert.equal(status, 201)
  return `/v1/workspaces/${value.id}`
}

async function close(workspace: string): Promise<void> {
  assert.equal((await fetch(service.url + workspace, { method: 'DELETE' })).status, 204)
}

test('an operation answers with value, receipt and where the time went', async () => {
  const answer = await post<{ commits: readonly { subject: string }[] }>('/v1/operations/log', {
    repo: ground.repo,
    limit: 1,
  })
  assert.equal(answer.status, 200)
  assert.equal(answer.value.commits.length, 1)
  assert.equal(answer.headers.get('x-correlation-id'), answer.receipt.correlationId)
  assert.match(answer.headers.get('server-timing') ?? '', /resolve;dur=/)
  const trace = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`
  const traced = await post('/v1/operations/log', { repo: ground.repo }, { traceparent: trace })
  assert.equal(traced.receipt.correlationId, 'ab'.repeat(16))
})

test('an agent’s day over HTTP: open, write, see, commit, run, push, close', async (t) => {
  const auth = { username: 'robot', password: 'secret-of-the-day' }
  const guarded = await startGitServer({ root: ground.home.dir, auth })
  t.after(() => guarded.close())
  const gitAuthorization = { 'git-authorization': `Basic ${Buffer.from('robot:secret-of-the-day').toString('base64')}` }
  const refused = await post('/v1/workspaces', { repo: guarded.url('ground') })
  assert.deepEqual([refused.status, refused.code], [401, 'auth_required'])
  const { value } = await post<{ id: string }>('/v1/workspaces', { repo: guarded.url('ground') }, gitAuthorization)
  const workspace = `/v1/workspaces/${value.id}`
  const written = await fetch(`${service.url}${workspace}/files/notes/today.txt`, { method: 'PUT', body: 'found it\n' })
  assert.deepEqual([written.status, await written.json()], [201, { value: { existed: false, bytes: 9 } }])
  const status = await post<{ clean: boolean }>(`${workspace}/operations/status`, {})
  assert.equal(status.value.clean, false)
  await post(`${workspace}/operations/add`, {})
  const commit = await post<{ commit: string }>(`${workspace}/operations/commit`, { message: 'Add notes' })
  const exec = { argv: ['sh', '-c', 'cat notes/today.txt; cat; exit 3'], stdin: 'and more' }
  const ran = await post(`${workspace}/exec`, exec)
  assert.deepEqual(ran.value, { exitCode: 3, signal: null, stdout: 'found it\nand more', stderr: '', truncated: false })
  const pushed = await post(`${workspace}/operations/push`, { branch: 'notes' }, gitAuthorization)
  assert.deepEqual(pushed.value, { branch: 'notes', commit: commit.value.commit, previous: null, isTracked: true })
  assert.equal(await ground.source.git(['rev-parse', 'notes']), commit.value.commit)
  const forks = await post<readonly { id: string }[]>(`${workspace}/fork`, { count: 2 })
  assert.equal(forks.status, 201)
  for (const { id } of forks.value) await close(`/v1/workspaces/${id}`)
  await close(workspace)
  assert.equal((await post(`${workspace}/operations/status`, {})).code, 'workspace_not_found')
})

test('files are bytes: read whole or in part, listed, written, removed, whatever they are called', async () => {
  const workspace = await opened()
  const at = (path: string) => `${service.url}${workspace}/files/${path}`
  const bytes = Buffer.from([0, 255, 10, 128])
  assert.equal((await fetch(at('bin%FFary'), { method: 'PUT', body: bytes })).status, 201)
  const read = await fetch(at('bin%ffary'))
  assert.deepEqual(Buffer.from(await read.arrayBuffer()), bytes)
  const part = await fetch(at('bin%FFary'), { headers: { range: 'bytes=1-2' } })
  assert.deepEqual([part.status, part.headers.get('content-range')], [206, 'bytes 1-2/4'])
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), bytes.subarray(1, 3))
  const listed = (await (await fetch(at('src/'))).json()) as Answered<{ entries: { name: unknown }[] }>
  assert.equal(listed.value.entries.length, 1)
  assert.equal((await fetch(at('src'), { method: 'DELETE' })).status, 409)
  assert.equal((await fetch(at('src?recursive=true'), { method: 'DELETE' })).status, 200)
  for (const [path, code] of [
    ['..%2f..%2fetc%2fpasswd', 'path_invalid'],
    ['.git/config', 'path_invalid'],
    ['%2fetc%2fpasswd', 'path_invalid'],
    ['a%00b', 'path_invalid'],
    ['nowhere', 'path_not_found'],
  ] as const) {
    const answer = (await (await fetch(at(path))).json()) as { code: string }
    assert.equal(answer.code, code, path)
  }
  await close(workspace)
})

for (const [accept, parse] of [
  [
    'application/x-ndjson',
    (text: string) =>
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  ],
  [
    'text/event-stream',
    (text: string) =>
      text
        .split('\n\n')
        .filter(Boolean)
        .map((event) => {
          const [, type, data] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? []
          const record: Record<string, unknown> = { ...(JSON.parse(data ?? '') as object), type }
          return record
        }),
  ],
] as const) {
  test(`a program’s output comes as it goes, and the end says so (${accept})`, async () => {
    const workspace = await opened()
    const body = { argv: ['sh', '-c', 'echo one; read line; echo two >&2; exit 4'], stdin: 'go\n' }
    const headers = { 'content-type': 'application/json', accept }
    const response = await fetch(`${service.url}${workspace}/exec`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    assert.equal(response.headers.get('content-type'), accept)
    const records = parse(await response.text())
    assert.deepEqual(
      records.map(({ type }) => type),
      ['start', 'stdout', 'stderr', 'end'],
    )
    assert.deepEqual(records.at(-1)?.['value'], { exitCode: 4, signal: null })
    const [known, told] = [records.at(0), records.at(-1)] as { receipt: { commit: string } }[]
    assert.equal(known?.receipt.commit, told?.receipt.commit)
    const late = { argv: ['sh', '-c', 'echo one; sleep 100'], deadlineMs: 300 }
    const cut = await fetch(`${service.url}${workspace}/exec`, { method: 'POST', headers, body: JSON.stringify(late) })
    const last = parse(await cut.text()).at(-1) as { type: string; problem: { code: string } } | undefined
    assert.deepEqual([last?.type, last?.problem.code], ['error', 'deadline_exceeded'])
    await close(workspace)
  })
}

test('a client that goes ends its program', async () => {
  const workspace = await opened()
  const leaving = new AbortController()
  const headers = { 'content-type': 'application/json', accept: 'application/x-ndjson' }
  const body = JSON.stringify({ argv: ['sh', '-c', 'echo up; sleep 100'] })
  const response = await fetch(`${service.url}${workspace}/exec`, {
    method: 'POST',
    headers,
    body,
    signal: leaving.signal,
  })
  await response.body?.getReader().read()
  leaving.abort()
  const programs = async () =>
    ((await (await fetch(service.url + workspace)).json()) as Answered<{ programs: number }>).value.programs
  while ((await programs()) > 0) await new Promise((resolve) => setImmediate(resolve))
  await close(workspace)
})

test('what is malformed has a code and a status, and nothing of the inside', async () => {
  const send = async (path: string, init: RequestInit & { body?: string }) => {
    const response = await fetch(service.url + path, { method: 'POST', ...init })
    assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/)
    const { code, details, title } = (await response.json()) as { code: string; details: object; title: string }
    assert.doesNotMatch(JSON.stringify({ details, title }), /node_modules|\/src\//)
    return [response.status, code]
  }
  const json = { 'content-type': 'application/json' }
  const log = '/v1/operations/log'
  assert.deepEqual(await send(log, { headers: json, body: '{' }), [400, 'input_invalid'])
  assert.deepEqual(await send(log, { headers: json, body: '{"repo": 5}' }), [400, 'input_invalid'])
  assert.deepEqual(await send(log, { headers: json, body: `{"repo": "${ground.repo}", "more": 1}` }), [
    400,
    'input_invalid',
  ])
  assert.deepEqual(await send(log, { headers: json, body: '{"__proto__": {"repo": "x"}}' }), [400, 'input_invalid'])
  assert.deepEqual(await send(log, { headers: json, body: '['.repeat(100_000) }), [400, 'input_invalid'])
  assert.deepEqual(await send(log, { headers: json, body: `"${'x'.repeat(9_000_000)}"` }), [413, 'body_too_large'])
  assert.deepEqual(await send(log, { headers: { 'content-type': 'application/xml' }, body: '<a/>' }), [
    415,
    'media_type_unsupported',
  ])
  assert.deepEqual(await send(log, { headers: json, body: JSON.stringify({ repo: ground.source.dir }) }), [
    400,
    'url_invalid',
  ])
  assert.deepEqual(await send('/v1/operations/nothing', { headers: json, body: '{}' }), [404, 'route_unknown'])
  assert.deepEqual(await send('/v1/workspaces/ws_none/exec', { headers: json, body: '{}' }), [
    404,
    'workspace_not_found',
  ])
  assert.deepEqual(await send('/v1/workspaces/..%2f..%2fx/exec', { headers: json, body: '{}' }), [
    404,
    'workspace_not_found',
  ])
})

test('a page of another site that points its name here is not served', async () => {
  const body = await new Promise<string>((resolve, reject) => {
    get(`${service.url}/healthz`, { headers: { host: 'evil.example' } }, (response) => resolve(text(response))).on(
      'error',
      reject,
    )
  })
  assert.equal((JSON.parse(body) as { code: string }).code, 'host_unserved')
  assert.deepEqual(await (await fetch(`${service.url}/healthz`)).json(), { status: 'ok' })
})

test('without API keys nothing but loopback is served', async () => {
  for (const host of ['0.0.0.0', '::', 'example.com', '127.0.0.1.example.com'])
    await assert.rejects(service.listen({ host, port: 0 }), { code: 'settings_invalid' })
})
