import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeGround } from '../support/engine-repository.ts'
import { runService } from '../support/running-service.ts'
import { makeRepository } from '../support/repository.ts'

const ground = makeGround(async (source) => {
  await source.commit({ files: { 'README.md': '# Ground\n', 'src/a.txt': 'a\n' } })
  await source.commit({ files: { 'src/a.txt': 'a\nb\n' } })
})
const service = runService(ground.home)

type Json = Readonly<Record<string, unknown>>

const forms = {
  'application/x-ndjson': (text: string) =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Json),
  'text/event-stream': (text: string) =>
    text
      .split('\n\n')
      .slice(0, -1)
      .map((event): Json => {
        const [, type, data = ''] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? []
        return { type, ...(JSON.parse(data) as object) }
      }),
}

async function post(path: string, body: object, accept = 'application/json'): Promise<Response> {
  const headers = { 'content-type': 'application/json', accept }
  return fetch(service.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
}

async function records(
  path: string,
  body: object,
  accept: keyof typeof forms = 'application/x-ndjson',
): Promise<Json[]> {
  const response = await post(path, body, accept)
  assert.equal(response.headers.get('content-type'), accept)
  return forms[accept](await response.text())
}

const typesOf = (all: readonly Json[]): unknown[] => all.map(({ type }) => type).filter((type) => type !== 'progress')

for (const accept of Object.keys(forms) as (keyof typeof forms)[])
  test(`an operation streams its items as ${accept}, on a repository and in a workspace`, async () => {
    const opened = await records('/v1/workspaces', { repo: ground.repo, history: 'full' }, accept)
    assert.deepEqual(typesOf(opened), ['start', 'end'])
    const { value } = opened.at(-1) as { value: { id: string; expiresAt: string } }
    assert.match(value.expiresAt, /^20/)
    const workspace = `/v1/workspaces/${value.id}`
    for (const [place, where] of [
      ['/v1', { repo: ground.repo }],
      [workspace, {}],
    ] as const) {
      const all = await records(`${place}/operations/log`, where, accept)
      assert.deepEqual(typesOf(all), ['start', 'item', 'item', 'end'])
      const items = all.flatMap((record) => (record['type'] === 'item' ? [record['value']] : []))
      const end = all.at(-1) as { value: object; receipt: { commit: string } }
      const answer = (await (await post(`${place}/operations/log`, where)).json()) as { value: object }
      assert.deepEqual({ commits: items, ...end.value }, answer.value)
      assert.equal((all[0] as { receipt: { commit: string } }).receipt.commit, end.receipt.commit)
    }
    assert.equal((await fetch(service.url + workspace, { method: 'DELETE' })).status, 204)
  })

test('opening and warming tell how the clone goes, and end with the answer', async () => {
  const source = await makeRepository(`${ground.home.dir}/fresh.git`, { bare: true })
  const files = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`${index}`, `${index}\n`]))
  await source.commit({ files })
  const body = { repo: ground.server.url('fresh') }
  const warmed = await records('/v1/images', body)
  assert.deepEqual(typesOf(warmed), ['start', 'end'])
  assert(warmed.length > 2, 'no progress was told')
  const { value, receipt } = warmed.at(-1) as { value: { id: string }; receipt: { tier: string } }
  assert.match(value.id, /^img_/)
  assert.equal(receipt.tier, 'clone')
})

test('what fails before the first record has its status, what fails after it is the last record', async () => {
  const workspace = ((await (await post('/v1/workspaces', { repo: ground.repo })).json()) as { value: { id: string } })
    .value.id
  const accept = 'application/x-ndjson'
  for (const [path, body, status, code] of [
    ['/v1/operations/log', { repo: ground.repo, more: 1 }, 400, 'input_invalid'],
    ['/v1/operations/log', { repo: ground.repo, revision: 'nowhere' }, 404, 'ref_not_found'],
    ['/v1/workspaces', { repo: ground.server.url('nowhere') }, 404, 'repo_not_found'],
    ['/v1/images', { repo: 'nonsense' }, 400, 'url_invalid'],
    [`/v1/workspaces/${workspace}/operations/log`, { revision: 'nowhere' }, 404, 'commit_not_found'],
    [`/v1/workspaces/${workspace}/exec`, {}, 400, 'input_invalid'],
  ] as const) {
    const refused = await post(path, body, accept)
    assert.match(refused.headers.get('content-type') ?? '', /^application\/problem\+json/)
    assert.deepEqual([refused.status, ((await refused.json()) as Json)['code']], [status, code], path)
  }
  const late = await records(`/v1/workspaces/${workspace}/operations/read-file`, { path: 'nowhere' })
  assert.deepEqual(typesOf(late), ['start', 'error'])
  assert.equal((late.at(-1) as { problem: { code: string } }).problem.code, 'path_not_found')
  assert.equal((await fetch(`${service.url}/v1/workspaces/${workspace}`, { method: 'DELETE' })).status, 204)
})
