import assert from 'node:assert/strict'
import test from 'node:test'
import { branches } from '../../../src/git/operations/branches.ts'
import { makeRepository } from '../../support/repository.ts'
import { runOperation, scratchDir } from '../../support/operation-run.ts'

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`branches are listed by full and short name, as git has them, the default one marked (${objectFormat})`, async (t) => {
    const dir = await scratchDir(t)
    const repository = await makeRepository(dir, { objectFormat })
    const commit = await repository.commit()
    await repository.branch('release/1')
    await repository.tag('v1')
    const { branches: found, truncated } = await runOperation(branches, dir, {})
    assert.deepEqual(found, [
      { name: 'main', ref: 'refs/heads/main', commit, isDefault: true },
      { name: 'release/1', ref: 'refs/heads/release/1', commit, isDefault: false },
    ])
    assert.equal(truncated, false)
    for (const name of ['é', 'a"b', "it's", 'x#y']) await repository.branch(name)
    const value = await runOperation(branches, dir, {})
    const told = value.branches.map((branch) => `${branch.ref} ${branch.commit} ${branch.isDefault ? '*' : ' '}`)
    const format = '--format=%(refname) %(objectname) %(HEAD)'
    assert.equal(told.join('\n'), await repository.git(['for-each-ref', format, 'refs/heads']))
  })
}

test('a pattern and a limit narrow the list', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit()
  for (const name of ['release/1', 'release/2', 'release/10']) await repository.branch(name)
  const names = async (input: object) => {
    const value = await runOperation(branches, dir, input)
    return [...value.branches.map(({ name }) => name), value.truncated]
  }
  assert.deepEqual(await names({ pattern: 'release/?' }), ['release/1', 'release/2', false])
  assert.deepEqual(await names({ limit: 1 }), ['main', true])
})

test('a repository without branches has none', async (t) => {
  const dir = await scratchDir(t)
  await makeRepository(dir)
  assert.deepEqual(await runOperation(branches, dir, {}), { branches: [], truncated: false })
})

test('names are escaped for people', () => {
  const commit = 'a'.repeat(40)
  const value = {
    branches: [{ name: 'x\u202ey', ref: 'refs/heads/x\u202ey', commit, isDefault: false }],
    truncated: false,
  }
  assert.equal(branches.plain(value), '  x\\u202ey aaaaaaaaaa\n')
})
