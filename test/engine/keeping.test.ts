import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Engine } from '../../src/engine/contract.ts'
import { makeGround } from '../support/engine-repository.ts'
import { leftovers } from '../support/leftovers.ts'
import { makeRepository } from '../support/repository.ts'
import { tenantNamed } from '../support/tenants.ts'

const ground = makeGround(async (source) => {
  await source.commit({ files: { 'README.md': '# Ground\n' } })
  for (const name of ['a', 'b', 'c', 'd']) {
    const other = await makeRepository(`${ground.home.dir}/${name}.git`, { bare: true })
    await other.commit({ files: { name } })
  }
})
after(() => assert.deepEqual(leftovers(ground.home), []))

async function kept(engine: Engine): Promise<readonly string[]> {
  const { shared } = await engine.state()
  return (shared?.cache.kept ?? []).map(({ repo }) => repo.split('/').at(-1) ?? '').toSorted()
}

test('what has no room goes, but never what a workspace stands on: it goes on, can be forked and pushed from', async () => {
  const engine = await ground.home.open({ maxRepositories: 2, resultCacheBytes: 0 })
  const workspace = await engine.open({ repo: ground.repo })
  for (const name of ['a', 'b', 'c', 'd'])
    assert.equal((await engine.run('status', { repo: ground.server.url(name) })).receipt.tier, 'clone')
  assert.deepEqual(await kept(engine), ['d', 'ground'])
  await workspace.run('commit', { message: 'More', allowEmpty: true })
  await workspace.run('push', { branch: 'more' })
  for (const one of [...(await workspace.fork()), workspace]) {
    assert.equal(((await one.run('status')).value as { clean: boolean }).clean, true)
    await one.close()
  }

  const { shared } = await engine.state()
  assert.deepEqual(
    [shared?.cache.misses, shared?.cache.evictions, shared?.cache.regrets, shared?.cache.evicted.length],
    [5, 3, 0, 3],
  )
  assert.match(shared?.cache.evicted[0]?.why ?? '', /^more repositories were kept than may be/)
  assert.equal((await engine.run('status', { repo: ground.server.url('a') })).receipt.tier, 'clone')
  assert.equal((await engine.state()).shared?.cache.regrets, 1)
  await engine.close()
})

test('explain and the state say why something is kept, but not to one of several tenants', async () => {
  const { engine } = ground
  await engine.run('log', { repo: ground.repo })
  const { kept: why } = await engine.explain('log', { repo: ground.repo })
  assert.deepEqual([why?.repo, why?.images, why?.expiresAt], [ground.repo, 1, null])
  assert.match(why?.why ?? '', /^one of those used most/)
  assert.ok((why?.bytes ?? 0) > 0 && (why?.uses ?? 0) > 0)
  const caller = tenantNamed('acme')
  assert.equal((await engine.explain('log', { repo: ground.repo }, { caller })).kept, null)
  assert.equal((await engine.state({ caller })).shared, null)
  assert.equal((await engine.explain('log', { repo: ground.server.url('b') })).kept, null)
})
