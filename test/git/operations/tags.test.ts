import assert from 'node:assert/strict'
import test from 'node:test'
import { tags } from '../../../src/git/operations/tags.ts'
import { makeRepository } from '../../support/repository.ts'
import { runOperation, scratchDir } from '../../support/operation-run.ts'

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`tags are listed with their object and what it leads to, as git has them (${objectFormat})`, async (t) => {
    const dir = await scratchDir(t)
    const repository = await makeRepository(dir, { objectFormat })
    const commit = await repository.commit()
    const annotated = await repository.tag('v1', { message: 'one' })
    await repository.tag('v2')
    const value = await runOperation(tags, dir, {})
    assert.deepEqual(value.tags, [
      { name: 'v1', ref: 'refs/tags/v1', oid: annotated, target: commit, isAnnotated: true },
      { name: 'v2', ref: 'refs/tags/v2', oid: commit, target: commit, isAnnotated: false },
    ])
    assert.equal(tags.plain(value), 'v1\nv2\n')
    const told = value.tags.map(({ ref, oid, target, isAnnotated }) => `${ref} ${oid} ${isAnnotated ? target : ''}`)
    const format = '--format=%(refname) %(objectname) %(*objectname)'
    assert.equal(told.join('\n'), await repository.git(['for-each-ref', format, 'refs/tags']))
    assert.deepEqual(
      (await runOperation(tags, dir, { pattern: '*2' })).tags.map(({ name }) => name),
      ['v2'],
    )
    assert.equal((await runOperation(tags, dir, { limit: 1 })).truncated, true)
  })
}
