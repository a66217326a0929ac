import assert from 'node:assert/strict'
import test from 'node:test'
import { describe } from '../../../src/git/operations/describe.ts'
import { makeRepository } from '../../support/repository.ts'
import { runOperation, scratchDir } from '../../support/operation-run.ts'

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`a commit is named by the nearest tag before it, as git does (${objectFormat})`, async (t) => {
    const dir = await scratchDir(t)
    const repository = await makeRepository(dir, { objectFormat })
    const first = await repository.commit()
    const none = { commit: first, tag: null, distance: null, text: null }
    assert.deepEqual(await runOperation(describe, dir, {}), none)
    assert.equal(describe.plain(none), `${first.slice(0, 10)}\n`)
    await repository.tag('v1-2-gabc')
    assert.deepEqual(await runOperation(describe, dir, {}), {
      commit: first,
      tag: 'v1-2-gabc',
      distance: 0,
      text: 'v1-2-gabc',
    })
    const second = await repository.commit()
    assert.deepEqual(await runOperation(describe, dir, {}), {
      commit: second,
      tag: 'v1-2-gabc',
      distance: 1,
      text: await repository.git(['describe', '--tags', '--abbrev=10']),
    })
    assert.equal((await runOperation(describe, dir, { annotated: true })).tag, null)
  })
}
