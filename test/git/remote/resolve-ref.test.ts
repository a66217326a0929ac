import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { hasCode, type ErrorCode } from '../../../src/core/errors.ts'
import { localRemote } from '../../../src/git/remote/local-remote.ts'
import { lookUpRef, prefixesFor } from '../../../src/git/remote/resolve-ref.ts'
import { makeRepository, type Repository } from '../../support/repository.ts'
import { scratchPlace } from '../../support/scratch-place.ts'

let root: string
let repository: Repository
const { signal } = new AbortController()

before(async () => {
  root = await mkdtemp(join(scratchPlace, 'forkyard-refs-'))
  repository = await makeRepository(join(root, 'a'))
  await repository.commit({ files: { a: '1' } })
  await repository.branch('topic')
  await repository.branch('feature/one')
  await repository.commit({ files: { a: '2' } })
  await repository.tag('v1', { at: 'topic', message: 'one' })
  await repository.tag('nested', { at: 'v1', message: 'a tag of a tag' })
  await repository.tag('light', { at: 'topic' })
  await repository.tag('feature/one')
})

after(async () => await rm(root, { recursive: true }))

async function look(ref: string, path = repository.dir) {
  return await lookUpRef(localRemote({ kind: 'local', path, key: path }), ref, { signal })
}

function withCode(code: ErrorCode) {
  return (error: unknown) => hasCode(error, code)
}

test('HEAD means the branch it stands for', async () => {
  const main = await repository.git(['rev-parse', 'main'])
  assert.deepEqual(await look('HEAD'), { ref: 'refs/heads/main', oid: main, commit: main })
})

test('branches and tags are found by short and by full name, tags peeled to the end', async () => {
  const topic = await repository.git(['rev-parse', 'topic'])
  for (const ref of ['topic', 'refs/heads/topic']) {
    assert.deepEqual(await look(ref), { ref: 'refs/heads/topic', oid: topic, commit: topic })
  }
  for (const tag of ['v1', 'nested', 'light']) {
    const oid = await repository.git(['rev-parse', `refs/tags/${tag}`])
    for (const ref of [tag, `refs/tags/${tag}`]) {
      assert.deepEqual(await look(ref), { ref: `refs/tags/${tag}`, oid, commit: topic })
    }
  }
})

test('a name that a branch and a tag have is ambiguous, its full names are not', async () => {
  await assert.rejects(look('feature/one'), withCode('ref_ambiguous'))
  assert.equal((await look('refs/heads/feature/one')).ref, 'refs/heads/feature/one')
  assert.equal((await look('refs/tags/feature/one')).ref, 'refs/tags/feature/one')
})

test('a full id is taken as it is, in lower case; one of another format is not there', async () => {
  const id = 'AB'.repeat(20)
  assert.deepEqual(await look(id), { ref: null, oid: id.toLowerCase(), commit: id.toLowerCase() })
  await assert.rejects(look('ab'.repeat(32)), withCode('commit_not_found'))
})

test('a missing name is reported with names that are close', async () => {
  const close = async (ref: string) => {
    const error: unknown = await look(ref).catch((thrown: unknown) => thrown)
    assert(hasCode(error, 'ref_not_found'))
    return error.details['close']
  }
  assert.deepEqual(await close('mian'), ['main'])
  assert.deepEqual(await close('topics'), ['topic'])
  assert.deepEqual(await close('refs/heads/Topic'), ['topic'])
  assert.deepEqual(await close('v2'), ['v1'])
  assert.deepEqual(await close('something-else'), [])
})

test('part of a name is not the name', async () => {
  await assert.rejects(look('top'), withCode('ref_not_found'))
  await assert.rejects(look('feature'), withCode('ref_not_found'))
  await assert.rejects(look('refs/heads'), withCode('ref_not_found'))
})

test('names that git would not allow are ref_invalid before anything is asked', () => {
  const texts = [
    '',
    '-x',
    '--upload-pack=x',
    'a b',
    'a\nb',
    'a\u001b',
    'a..b',
    'x.lock',
    'a@{1}',
    'main~1',
    'main^',
    ':/fix',
  ]
  for (const text of [...texts, 'refs/heads/../x', 'refs/heads/', 'a\\b', 'a*', '/a', 'a/', 'a'.repeat(1025)]) {
    assert.throws(() => prefixesFor(text), withCode('ref_invalid'), text)
  }
  assert.throws(() => prefixesFor('a\u001b[2J'), { message: 'Cannot use "a?[2J" as a ref: git allows no such name' })
})

test('only what can answer is asked for', () => {
  assert.deepEqual(prefixesFor('HEAD'), ['HEAD'])
  assert.deepEqual(prefixesFor('x/y'), ['refs/heads/x/y', 'refs/tags/x/y'])
  assert.deepEqual(prefixesFor('refs/notes/x'), ['refs/notes/x'])
  assert.deepEqual(prefixesFor('0'.repeat(40)), ['HEAD'])
})

test('an empty repository is repo_empty, whatever is asked', async () => {
  const { dir } = await makeRepository(join(root, 'empty'), { bare: true })
  for (const ref of ['HEAD', 'main', 'refs/tags/v1']) await assert.rejects(look(ref, dir), withCode('repo_empty'))
})

test('a HEAD whose branch is gone is ref_not_found, a HEAD on no branch has no name', async () => {
  const other = await makeRepository(join(root, 'other'), { bare: true })
  const id = await other.commit({ files: { a: '1' } })
  await other.git(['symbolic-ref', 'HEAD', 'refs/heads/gone'])
  await assert.rejects(look('HEAD', other.dir), withCode('ref_not_found'))
  await other.git(['update-ref', '--no-deref', 'HEAD', id])
  assert.deepEqual(await look('HEAD', other.dir), { ref: null, oid: id, commit: id })
})
