import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { makeHome } from '../support/engine-home.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { makeRepository } from '../support/repository.ts'
import { serviceOnDisk, type ServiceOnDisk } from '../support/service-on-disk.ts'

const home = makeHome()
let server: GitServer
let service: ServiceOnDisk

before(async () => {
  for (const name of ['known', 'unknown']) {
    const source = await makeRepository(`${home.dir}/${name}.git`, { bare: true })
    await source.commit({ files: { 'README.md': `# ${name}\n` } })
  }
  server = await startGitServer({ root: home.dir })
  // A little more than what sandboxes never take.
  service = await serviceOnDisk(home, 560)
})
after(async () => {
  service.kill()
  await server.close()
})

interface Answered {
  readonly code?: string
  readonly ready?: boolean
  readonly degraded?: readonly string[]
  readonly value?: { readonly id: string }
  readonly receipt?: { readonly tier: string }
}

async function ask(path: string, body?: unknown) {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(service.url + path, body === undefined ? {} : init)
  const answer = (await response.json()) as Answered
  return { status: response.status, retryAfter: response.headers.get('retry-after'), ...answer }
}

test('without room on its disk the service says so and refuses; with room again it goes on', async () => {
  const known = server.url('known')
  assert.equal((await ask('/v1/operations/log', { repo: known })).status, 200)
  assert.equal((await ask('/readyz')).status, 200)

  await service.fill()
  const full = await ask('/readyz')
  assert.deepEqual([full.status, full.ready], [503, false])
  assert.match(full.degraded?.join() ?? '', /\broom: 0\.0 GB free/)
  for (const [path, body] of [
    ['/v1/workspaces', { repo: known }],
    ['/v1/operations/list-files', { repo: known }],
    ['/v1/operations/log', { repo: server.url('unknown') }],
  ] as const) {
    const { status, code, retryAfter } = await ask(path, body)
    assert.deepEqual([status, code, retryAfter], [503, 'over_capacity', '1'], path)
  }
  // What needs no room is still answered.
  assert.equal((await ask('/v1/operations/log', { repo: known })).receipt?.tier, 'result')
  assert.deepEqual(service.rest(), [])

  await service.empty()
  assert.equal((await ask('/readyz')).status, 200)
  assert.equal((await ask('/v1/operations/log', { repo: server.url('unknown') })).status, 200)
  const { status, value } = await ask('/v1/workspaces', { repo: known })
  assert.equal(status, 201)
  assert.equal((await ask(`/v1/workspaces/${value?.id}/operations/status`, {})).status, 200)
  assert.equal(await service.end(), 0)
})
