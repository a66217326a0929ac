import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeGround } from '../support/engine-repository.ts'
import { leftovers } from '../support/leftovers.ts'
import { makeRepository } from '../support/repository.ts'
import { runService } from '../support/running-service.ts'
import { seeded } from '../support/seeded.ts'

const rounds = 20
const seed = 4711

const ground = makeGround((source) => source.commit({ files: { 'README.md': '# Ground\n' } }))
const service = runService(ground.home)

interface Summary {
  readonly id: string
  readonly programs: number
}

async function summaries(): Promise<readonly Summary[]> {
  return ((await (await fetch(`${service.url}/v1/workspaces`)).json()) as { value: readonly Summary[] }).value
}

/** Resolves once what a client that went had begun is gone, but for workspaces that it was never told of. */
async function settled(workspaces: readonly string[]): Promise<void> {
  for (;;) {
    const found = await summaries()
    const unknown = found.filter(({ id }) => !workspaces.includes(`/v1/workspaces/${id}`))
    await Promise.all(unknown.map(({ id }) => fetch(`${service.url}/v1/workspaces/${id}`, { method: 'DELETE' })))
    if (unknown.length === 0 && found.every(({ programs }) => programs === 0)) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test(`${rounds} clients that go at any moment of an exec, a fork or an open leave nothing behind`, async (t) => {
  const next = seeded(seed)
  const workspace = await service.open(ground.repo)
  const ends = { gone: 0, done: 0 }
  for (let round = 0; round < rounds; round += 1) {
    const [path, body] = [
      [`${workspace}/exec`, { argv: ['sh', '-c', 'sleep 30 & sleep 30'] }],
      [`${workspace}/fork`, { count: 3 }],
      ['/v1/workspaces', { repo: ground.repo }],
    ][round % 3] as [string, object]
    const leaving = new AbortController()
    const asked = fetch(service.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: leaving.signal,
    })
    asked.then(
      () => (ends.done += 1),
      () => (ends.gone += 1),
    )
    const ticks = Math.floor(next() * 4000)
    for (let tick = 0; tick < ticks; tick += 1) await new Promise((resolve) => setImmediate(resolve))
    leaving.abort()
    await Promise.allSettled([asked])
  }
  t.diagnostic(`${ends.gone} went before their answer`)
  assert(ends.gone > rounds / 2)
  await settled([workspace])
  assert.equal((await service.post(`${workspace}/operations/status`, {})).status, 200)
  await service.close(workspace)
  while ((await summaries()).length > 0) await new Promise((resolve) => setImmediate(resolve))
  while (leftovers(ground.home).length > 0) await new Promise((resolve) => setImmediate(resolve))
})

test('who goes while a repository is cloned takes the clone along, and nobody else’s', async (t) => {
  const source = await makeRepository(`${ground.home.dir}/slow.git`, { bare: true })
  await source.commit({ files: { a: 'a\n' } })
  ground.server.fault = { kind: 'stall', at: 'pack' }
  t.after(() => (ground.server.fault = null))
  ground.server.forgetRequests()
  const leaving = new AbortController()
  const open = () =>
    fetch(`${service.url}/v1/workspaces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ repo: ground.server.url('slow') }),
      signal: leaving.signal,
    })
  const all = Array.from({ length: 8 }, open)
  while (ground.server.count('fetch') === 0) await new Promise((resolve) => setImmediate(resolve))
  leaving.abort()
  await Promise.allSettled(all)
  while (leftovers(ground.home).length > 0) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(await summaries(), [])
})
