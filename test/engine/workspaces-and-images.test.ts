import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { makeGround } from '../support/engine-repository.ts'
import { shell } from '../support/in-workspace.ts'
import { leftovers } from '../support/leftovers.ts'

const ground = makeGround(async (source) => {
  await source.commit({ files: { 'a.txt': 'old\n', 'dir/b.txt': 'b\n' } })
})
after(() => assert.deepEqual(leftovers(ground.home), []))

const look = 'cat a.txt dir/b.txt; git status --porcelain; git log --format=%s; git fsck'

test('a workspace stays what it was while its image is refreshed, stacked upon and dropped', async () => {
  const workspace = await ground.open()
  const before = await shell(workspace, look)
  await ground.source.commit({ files: { 'a.txt': 'new\n' } })
  const later = await ground.open()
  assert.equal(later.receipt.tier, 'refresh')
  assert.equal(await shell(later, 'cat a.txt'), 'new\n')
  assert.equal(await shell(workspace, look), before)
  for (const { id } of await ground.engine.images()) await ground.engine.drop(id)
  assert.equal(await shell(workspace, look), before)
  assert.equal(await shell(later, 'cat a.txt; git status --porcelain'), 'new\n')
  const [fork] = await later.fork()
  assert.equal(await shell(fork ?? later, 'cat a.txt; git status --porcelain'), 'new\n')
  for (const each of [workspace, later, fork]) await each?.close()
})
