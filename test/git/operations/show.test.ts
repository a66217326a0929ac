import assert from 'node:assert/strict'
import test from 'node:test'
import { exactBytes } from '../../../src/git/bytes.ts'
import { diff } from '../../../src/git/operations/diff.ts'
import { show } from '../../../src/git/operations/show.ts'
import { makeRichRepository } from '../../support/rich-repository.ts'
import { runOperation, scratchDir } from '../../support/operation-run.ts'

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`a commit is shown with what it changed against its first parent (${objectFormat})`, async (t) => {
    const dir = await scratchDir(t)
    const { first, second, merged } = await makeRichRepository(dir, { objectFormat })
    for (const [from, to] of [
      [first, second],
      [second, merged],
    ] as const) {
      const { commit, ...changes } = await runOperation(show, dir, { revision: to })
      const { from: _from, to: _to, ...expected } = await runOperation(diff, dir, { from, to })
      assert.equal(commit.id, to)
      assert.deepEqual(changes, expected)
    }
  })
}

test('a first commit shows everything as added, an empty one nothing', async (t) => {
  const dir = await scratchDir(t)
  const { first, last, ...repository } = await makeRichRepository(dir)
  const { files, commit } = await runOperation(show, dir, { revision: first })
  assert.ok(files.every(({ status }) => status === 'added'))
  assert.equal(commit.subject, 'Begin')
  const whole = await repository.gitBytes(['diff-tree', '-r', '-p', '--root', '--no-commit-id', '--full-index', first])
  assert.ok(Buffer.concat(files.map(({ patch }) => exactBytes(patch ?? ''))).equals(whole))
  const empty = await runOperation(show, dir, { revision: last })
  assert.deepEqual([empty.commit.id, empty.files], [last, []])
})

test('paths narrow the changes, not the commit', async (t) => {
  const dir = await scratchDir(t)
  const { second } = await makeRichRepository(dir)
  const some = await runOperation(show, dir, { revision: second, paths: ['tool'] })
  assert.deepEqual([some.commit.id, some.files.map(({ path }) => path)], [second, ['tool']])
  const none = await runOperation(show, dir, { revision: second, paths: ['nowhere'] })
  assert.deepEqual([none.commit.id, none.files], [second, []])
})
