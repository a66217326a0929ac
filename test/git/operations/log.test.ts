import assert from 'node:assert/strict'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { log } from '../../../src/git/operations/log.ts'
import { toExactText } from '../../../src/git/bytes.ts'
import { hermeticGit, makeRepository } from '../../support/repository.ts'
import { makeRichRepository, oddBytes } from '../../support/rich-repository.ts'
import { gitAt, runOperation, scratchDir } from '../../support/operation-run.ts'

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`commits are told as git tells them (${objectFormat})`, async (t) => {
    const dir = await scratchDir(t)
    const repository = await makeRichRepository(dir, { objectFormat })
    const { commits, truncated } = await runOperation(log, dir, {})
    const lines = (await repository.git(['log', '--format=%H|%P|%T|%an|%ae|%aI|%cn|%ce|%cI|%s'])).split('\n')
    const told = commits.map(({ id, parents, tree, author, committer, subject }) =>
      [
        id,
        parents.join(' '),
        tree,
        ...[author, committer].flatMap(({ name, email, date }) => [name, email, date.replace(/Z$/, '+00:00')]),
        subject,
      ].join('|'),
    )
    assert.deepEqual(told, lines)
    assert.equal(commits.at(-1)?.body, 'A body\nof two lines')
    assert.equal(commits.find(({ id }) => id === repository.second)?.author.name, 'Zoë Ünïcode')
    assert.equal(truncated, false)
  })
}

test('limit, skip and first parent page through history, and say whether more follows', async (t) => {
  const dir = await scratchDir(t)
  const { first, second, merged, last } = await makeRichRepository(dir)
  const ids = async (input: Parameters<typeof log.needs>[0] | object) => {
    const { commits, truncated } = await runOperation(log, dir, input)
    return [...commits.map(({ id }) => id), truncated]
  }
  assert.deepEqual(await ids({ limit: 2, firstParent: true }), [last, merged, true])
  assert.deepEqual(await ids({ limit: 2, skip: 2, firstParent: true }), [second, first, false])
  assert.deepEqual(await ids({ limit: 1, revision: 'HEAD~2' }), [second, true])
})

test('changed paths are listed on demand, merges against their first parent', async (t) => {
  const dir = await scratchDir(t)
  const { first, second, merged, last, ...repository } = await makeRichRepository(dir)
  const { commits } = await runOperation(log, dir, { files: true })
  const of = (id: string) => commits.find((commit) => commit.id === id)?.files ?? []
  assert.deepEqual(of(last), [])
  assert.deepEqual(
    of(merged).map(({ path, status }) => [path, status]),
    [['topic.txt', 'added']],
  )
  assert.deepEqual(of(second).find(({ path }) => path === 'lib/same.txt')?.oldPath, 'src/same.txt')
  assert.ok(of(second).some(({ path }) => JSON.stringify(path) === JSON.stringify(toExactText(oddBytes))))
  const count =
    (await repository.git(['diff-tree', '-r', '-M100%', '--name-only', '-z', first, second])).split('\0').length - 1
  assert.equal(of(second).length, count)
  assert.ok(of(first).length > 20)
})

test('a path narrows the log, odd bytes included', async (t) => {
  const dir = await scratchDir(t)
  const { first, second, topic, merged } = await makeRichRepository(dir)
  for (const [path, expected] of [
    ['src', [second, first]],
    ['topic.txt', [topic]],
    ['a\nb', [second, first]],
    ['*', [first]],
    [toExactText(oddBytes), [second, first]],
    ['nowhere', []],
  ] as const) {
    const { commits } = await runOperation(log, dir, { path, revision: merged })
    assert.deepEqual(
      commits.map(({ id }) => id),
      expected,
      JSON.stringify(path),
    )
  }
})

test('author, message and dates filter; all text is literal', async (t) => {
  const dir = await scratchDir(t)
  const { first, second, topic } = await makeRichRepository(dir)
  const ids = async (input: object) => (await runOperation(log, dir, input)).commits.map(({ id }) => id)
  assert.deepEqual(await ids({ author: 'zoë' }), [second])
  assert.deepEqual(await ids({ author: '.*' }), [])
  assert.deepEqual(await ids({ message: 'of two LINES' }), [first])
  assert.deepEqual(await ids({ since: '2024-02-01T00:00:00Z' }), [second])
  assert.deepEqual(await ids({ until: '2024-01-01T00:02:30Z' }), [topic, first])
  assert.deepEqual(await ids({ author: '--output=/tmp/x' }), [])
})

test('the history that is needed is enough for right parents and a right end', async (t) => {
  const dir = await scratchDir(t)
  const source = await makeRepository(join(dir, 'source'))
  for (let index = 0; index < 6; index++) await source.commit()
  const expected = await runOperation(log, source.dir, { limit: 3 })
  const { history } = log.needs({
    limit: 3,
    skip: 0,
    path: null,
    author: null,
    message: null,
    since: null,
    until: null,
    files: false,
    firstParent: false,
    revision: null,
  })
  await hermeticGit(dir, ['clone', '-q', '--bare', `--depth=${history}`, `file://${source.dir}`, 'shallow'])
  const shallow = join(dir, 'shallow')
  const told = await runOperation(log, shallow, { limit: 3 }, { git: gitAt(shallow, { isBare: true }) })
  assert.deepEqual(told, expected)
  assert.equal(told.truncated, true)
  // One generation less and the last commit seems to have no parents.
  await hermeticGit(dir, ['clone', '-q', '--bare', '--depth=3', `file://${source.dir}`, 'wrong'])
  const wrong = join(dir, 'wrong')
  assert.notDeepEqual(await runOperation(log, wrong, { limit: 3 }, { git: gitAt(wrong, { isBare: true }) }), expected)
})

test('a revision that looks like a flag never reaches git', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  await repository.commit()
  const proof = join(dir, 'written')
  await assert.rejects(runOperation(log, dir, { revision: `--output=${proof}` }), (error) =>
    hasCode(error, 'ref_invalid'),
  )
  await assert.rejects(access(proof))
  // Unprotected git writes where it is told.
  await repository.git(['log', `--output=${proof}`])
  await access(proof)
})

test('control characters stay exact in the value and are escaped for people, one commit a line', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const name = 'Ev\u001b[2Jil\u202e'
  await repository.commit({ author: { name, email: 'a\u0007@b' }, message: 'sub\u001b]0;x\u0007ject\r\n' })
  const value = await runOperation(log, dir, {})
  assert.equal(value.commits[0]?.author.name, name)
  const text = log.plain(value)
  assert.match(text, /Ev\\x1b\[2Jil\\u202e {2}sub\\x1b\]0;x\\x07ject/)
  assert.equal(text.split('\n').length, 2)
})

test('replace refs change nothing', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const real = await repository.commit({ message: 'real' })
  const forged = await repository.commit({ branch: 'other', parents: [], message: 'forged' })
  await repository.git(['update-ref', `refs/replace/${real}`, forged])
  assert.equal(await repository.git(['log', '-1', '--format=%s', real]), 'forged')
  assert.equal((await runOperation(log, dir, { revision: real })).commits[0]?.subject, 'real')
})

test("a repository's own configuration does not change the answer", async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRichRepository(dir)
  const expected = await runOperation(log, dir, { files: true })
  const settings = {
    'log.showSignature': 'true',
    'log.follow': 'true',
    'color.ui': 'always',
    'format.pretty': 'oneline',
    'log.mailmap': 'true',
    'diff.renames': 'false',
    'log.date': 'relative',
    'core.quotePath': 'false',
    'diff.noprefix': 'true',
    'log.showRoot': 'false',
  }
  for (const [key, value] of Object.entries(settings)) await repository.git(['config', key, value])
  assert.deepEqual(await runOperation(log, dir, { files: true }), expected)
})
