import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeGround } from '../support/engine-repository.ts'
import { makeRepository } from '../support/repository.ts'
import { runService } from '../support/running-service.ts'

const crowd = 64

const ground = makeGround((source) => source.commit({ files: { 'README.md': '# Ground\n' } }))
const service = runService(ground.home)

/** What a crowd that comes at once is told. */
const opened = (repo: string) =>
  Promise.all(Array.from({ length: crowd }, () => service.post('/v1/workspaces', { repo })))

test('a crowd at a repository that nobody has seen makes one clone, and each gets a workspace', async () => {
  ground.server.forgetRequests()
  const answers = await opened(ground.repo)
  assert.deepEqual(new Set(answers.map(({ status, code }) => `${status} ${code}`)), new Set(['201 null']))
  assert.equal(new Set(answers.map(({ value }) => (value as { id: string }).id)).size, crowd)
  assert.equal(ground.server.count('fetch'), 1)
  await Promise.all(answers.map(({ value }) => service.close(`/v1/workspaces/${(value as { id: string }).id}`)))
})

for (const [name, fault] of [
  ['refs', { kind: 'status', status: 503 }],
  ['packs', { kind: 'cut-pack', afterBytes: 10 }],
] as const) {
  test(`a server that fails over ${name} is not asked once by each of a crowd`, async (t) => {
    const source = await makeRepository(`${ground.home.dir}/failing-${name}.git`, { bare: true })
    await source.commit({ files: { a: 'a\n' } })
    ground.server.forgetRequests()
    ground.server.fault = fault
    t.after(() => (ground.server.fault = null))
    const answers = await opened(ground.server.url(`failing-${name}`))
    assert.deepEqual(new Set(answers.map(({ status, code }) => `${status} ${code}`)), new Set(['502 remote_failed']))
    assert(answers.every(({ headers }) => headers.has('retry-after')))
    assert(ground.server.requests.length < crowd / 2, `asked ${ground.server.requests.length} times`)
  })
}
