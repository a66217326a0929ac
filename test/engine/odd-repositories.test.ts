import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Engine } from '../../src/engine/contract.ts'
import { runOperation, gitAt } from '../support/operation-run.ts'
import { findOperation } from '../../src/git/registry.ts'
import { makeHome } from '../support/engine-home.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { leftovers } from '../support/leftovers.ts'
import { makeRepository, type Repository } from '../support/repository.ts'
import { makeRichRepository, type RichRepository } from '../support/rich-repository.ts'

const home = makeHome({ resultCacheBytes: 0 })
let server: GitServer
let engine: Engine
let plain: RichRepository

before(async () => {
  plain = await makeRichRepository(`${home.dir}/plain.git`, { bare: true })
  server = await startGitServer({ root: home.dir })
  engine = await home.open()
})
after(() => server.close())

async function emptied(): Promise<void> {
  for (const { id } of await engine.images()) await engine.drop(id)
}

function fails(code: string, details: Record<string, unknown> = {}) {
  return (error: unknown): boolean => {
    assert.equal((error as { code?: string }).code, code, String(error))
    for (const [name, value] of Object.entries(details))
      assert.deepEqual((error as { details: Record<string, unknown> }).details[name], value)
    return true
  }
}

/** Answers of operations of each kind of need, as the engine gives them and as git on the source does. */
async function compare(source: Repository, url: string): Promise<void> {
  const asked: [string, Record<string, unknown>][] = [
    ['log', {}],
    ['diff', { from: 'main~2', to: 'main' }],
    ['blame', { path: 'lib/long.txt' }],
    ['grep', { pattern: 'line 1' }],
    ['merge-base', { ours: 'topic', theirs: 'main' }],
    ['read-file', { path: 'README.md' }],
    ['describe', {}],
  ]
  const git = gitAt(source.dir, { isBare: true })
  for (const [name, input] of asked) {
    const { value } = await engine.run(name, { repo: url, ...input })
    assert.deepEqual(value, await runOperation(findOperation(name), source.dir, input, { git }), name)
  }
  const { value } = await engine.run('status', { repo: url })
  assert.equal((value as { clean: boolean }).clean, true)
}

test('a server without filters gives the same answers', async () => {
  await emptied()
  server.hasFilters = false
  // The knowledge of what a server can do is kept by engine.
  engine = await home.open()
  await compare(plain, server.url('plain'))
  server.hasFilters = true
  engine = await home.open()
})

test('a server that speaks only the first protocol gives the same answers', async () => {
  await emptied()
  server.fault = { kind: 'v0' }
  engine = await home.open()
  await compare(plain, server.url('plain'))
  server.fault = null
  engine = await home.open()
})

test('a SHA-256 repository gives the same answers', async () => {
  const source = await makeRichRepository(`${home.dir}/sha256.git`, { bare: true, objectFormat: 'sha256' })
  await compare(source, server.url('sha256'))
  const { receipt } = await engine.run('log', { repo: server.url('sha256') })
  assert.match(receipt.commit, /^[0-9a-f]{64}$/)
})

test('an empty repository is repo_empty, and lists no branches', async () => {
  await makeRepository(`${home.dir}/empty.git`, { bare: true })
  const repo = server.url('empty')
  await assert.rejects(engine.run('log', { repo }), fails('repo_empty'))
  await assert.rejects(engine.exec({ repo, argv: ['true'] }), fails('repo_empty'))
  const { value } = await engine.run('branches', { repo })
  assert.deepEqual(value, { branches: [], truncated: false })
})

test('where HEAD is on an unborn branch, it is ref_not_found and other branches are served', async () => {
  const source = await makeRepository(`${home.dir}/unborn.git`, { bare: true })
  const id = await source.commit({ branch: 'other', files: { a: 'a\n' } })
  const repo = server.url('unborn')
  await assert.rejects(engine.run('log', { repo }), fails('ref_not_found'))
  const { receipt } = await engine.run('log', { repo, ref: 'other' })
  assert.deepEqual([receipt.commit, receipt.ref], [id, 'refs/heads/other'])
})

test('a detached HEAD is served, and a program finds it detached', async () => {
  const source = await makeRepository(`${home.dir}/detached.git`, { bare: true })
  const id = await source.commit({ files: { a: 'a\n' } })
  await source.commit({ files: { a: 'b\n' } })
  await source.git(['update-ref', '--no-deref', 'HEAD', id])
  const repo = server.url('detached')
  const { receipt } = await engine.run('log', { repo })
  assert.deepEqual([receipt.commit, receipt.ref], [id, 'HEAD'])
})

test('an annotated tag is peeled wherever a revision stands', async () => {
  await plain.tag('release', { at: plain.second, message: 'Release' })
  const repo = server.url('plain')
  for (const ref of ['release', 'refs/tags/release']) {
    const { value, receipt } = await engine.run('rev-parse', { repo, ref })
    assert.deepEqual([(value as { commit: string }).commit, receipt.commit], [plain.second, plain.second])
  }
  const { value } = await engine.run('rev-parse', { repo, revision: 'release~1' })
  assert.equal((value as { commit: string }).commit, plain.first)
})

test('a tag of a file is no commit: a typed failure', async () => {
  const blob = await plain.git(['rev-parse', `${plain.first}:README.md`])
  await plain.git(['update-ref', 'refs/tags/blob', blob])
  await assert.rejects(engine.run('log', { repo: server.url('plain'), ref: 'blob' }), fails('commit_not_found'))
  await assert.rejects(
    engine.exec({ repo: server.url('plain'), ref: 'blob', argv: ['true'] }),
    fails('commit_not_found'),
  )
  await plain.git(['update-ref', '-d', 'refs/tags/blob'])
})

test('a full id is served where the server hands it out, is commit_not_found where it does not exist', async () => {
  const repo = server.url('plain')
  const { value, receipt } = await engine.run('log', { repo, ref: plain.first })
  assert.equal((value as { commits: { id: string }[] }).commits[0]?.id, plain.first)
  assert.equal(receipt.commit, plain.first)
  await assert.rejects(engine.run('log', { repo, ref: 'a'.repeat(40) }), fails('commit_not_found'))
  await assert.rejects(engine.run('log', { repo, ref: 'a'.repeat(64) }), fails('commit_not_found'))
  // The id of a tree is not one of a commit.
  const tree = await plain.git(['rev-parse', `${plain.first}^{tree}`])
  await assert.rejects(engine.run('log', { repo, ref: tree }), fails('commit_not_found'))
})

test('a name that a branch and a tag share is ref_ambiguous; full names are not', async () => {
  await plain.branch('twice', plain.first)
  await plain.tag('twice', { at: plain.second })
  const repo = server.url('plain')
  await assert.rejects(
    engine.run('log', { repo, ref: 'twice' }),
    fails('ref_ambiguous', { names: ['refs/heads/twice', 'refs/tags/twice'] }),
  )
  await assert.rejects(engine.run('diff', { repo, from: 'twice', to: 'main' }), fails('ref_ambiguous'))
  const { receipt } = await engine.run('log', { repo, ref: 'refs/tags/twice' })
  assert.equal(receipt.commit, plain.second)
})

test('steps beyond the history are commit_not_found, and the last step within it is found', async () => {
  const repo = server.url('plain')
  for (const revision of ['main~4', 'main~1000', 'main^3', 'main~1^2~7', 'topic^2'])
    await assert.rejects(engine.run('log', { repo, revision }), fails('commit_not_found'), revision)
  const { value } = await engine.run('rev-parse', { repo, revision: 'main~3' })
  assert.equal((value as { commit: string }).commit, plain.first)
})

test('paths that do not exist are path_not_found, whatever the copy lacks', async () => {
  const repo = server.url('plain')
  await emptied()
  for (const name of ['blame', 'read-file', 'list-files'])
    await assert.rejects(engine.run(name, { repo, path: 'src/nothing' }), fails('path_not_found'), name)
  const { value } = await engine.run('log', { repo, path: 'src/nothing' })
  assert.deepEqual(value, { commits: [], truncated: false })
})

test('nothing is left of all this but images', () => {
  assert.deepEqual(leftovers(home), [])
})
