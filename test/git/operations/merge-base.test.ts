import assert from 'node:assert/strict'
import test from 'node:test'
import { mergeBase } from '../../../src/git/operations/merge-base.ts'
import { makeRepository } from '../../support/repository.ts'
import { runOperation, scratchDir } from '../../support/operation-run.ts'

test('the best common ancestor is found, and its absence is an answer', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const base = await repository.commit()
  const ours = await repository.commit()
  const theirs = await repository.commit({ branch: 'topic', parents: [base] })
  const stranger = await repository.commit({ branch: 'stranger' })
  assert.deepEqual(await runOperation(mergeBase, dir, { theirs }), { base, bases: [base] })
  assert.deepEqual(await runOperation(mergeBase, dir, { ours, theirs: 'main~' }), { base, bases: [base] })
  assert.deepEqual(await runOperation(mergeBase, dir, { ours, theirs: stranger }), { base: null, bases: [] })
})

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`all best ancestors of crossed histories are found, as git does (${objectFormat})`, async (t) => {
    const dir = await scratchDir(t)
    const repository = await makeRepository(dir, { objectFormat })
    const root = await repository.commit()
    const a = await repository.commit({ branch: 'a', parents: [root] })
    const b = await repository.commit({ branch: 'b', parents: [root] })
    const ours = await repository.commit({ parents: [a, b] })
    const theirs = await repository.commit({ branch: 'theirs', parents: [b, a] })
    const { bases } = await runOperation(mergeBase, dir, { ours, theirs, all: true })
    assert.deepEqual(bases.toSorted(), [a, b].toSorted())
    assert.deepEqual(bases, (await repository.git(['merge-base', '--all', ours, theirs])).split('\n'))
    assert.equal((await runOperation(mergeBase, dir, { ours, theirs })).bases.length, 1)
  })
}
