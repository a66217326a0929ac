import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Answer, Engine } from '../../src/engine/contract.ts'
import { findOperation, operations } from '../../src/git/registry.ts'
import { makeHome } from '../support/engine-home.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { leftovers } from '../support/leftovers.ts'
import { gitAt, runOperation } from '../support/operation-run.ts'
import { hermeticGit } from '../support/repository.ts'
import { reads } from '../support/reads.ts'
import { lfsPointer, makeRichRepository, type RichRepository } from '../support/rich-repository.ts'

const home = makeHome({ resultCacheBytes: 0 })
const clone = `${home.dir}/clone`
let server: GitServer
let engine: Engine
let source: RichRepository

before(async () => {
  source = await makeRichRepository(`${home.dir}/rich.git`, { bare: true })
  await source.tag('v1', { at: source.first, message: 'The first' })
  await source.tag('light', { at: source.second })
  server = await startGitServer({ root: home.dir })
  engine = await home.open()
  await hermeticGit(home.dir, ['clone', '--quiet', server.url('rich'), clone])
})
after(() => server.close())

/** The same operation on a plain full clone. */
function reference(name: string, input: Record<string, unknown>): Promise<unknown> {
  return runOperation(findOperation(name), clone, input, { git: gitAt(clone), resolveIn: source.dir })
}

async function ask(name: string, input: Record<string, unknown>): Promise<Answer<unknown>> {
  return engine.run(name, { repo: server.url('rich'), ...input })
}

async function forgetImages(): Promise<void> {
  for (const { id } of await engine.images()) await engine.drop(id)
}

/** Leaves no image but one that holds two commits, without trees and contents. */
async function withTwoCommitsAlone(): Promise<Answer<unknown>> {
  await forgetImages()
  return ask('log', { limit: 1 })
}

test('the list above holds every read operation', () => {
  const names = operations.filter(({ effect }) => effect === 'read').map(({ name }) => name)
  assert.deepEqual([...new Set(reads.map(([name]) => name))].toSorted(), names.toSorted())
})

for (const [index, [name, input]] of reads.entries()) {
  const isRefs = name === 'branches' || name === 'tags'
  const isFirst = reads.findIndex(([other]) => other === name) === index

  test(`${name} ${JSON.stringify(input)} is answered as a full clone does, from nothing or too little, and from the image`, async () => {
    const expected = await reference(name, input)
    await (isFirst ? forgetImages() : withTwoCommitsAlone())
    const first = await ask(name, input)
    assert.deepEqual(first.value, expected)
    if (isFirst && !isRefs) assert.equal(first.receipt.tier, 'clone')
    assert.equal(first.receipt.bytesFetched > 0, !isRefs && first.receipt.tier !== 'image')

    server.forgetRequests()
    const again = await ask(name, input)
    assert.deepEqual(again.value, expected)
    assert.deepEqual([again.receipt.tier, again.receipt.bytesFetched, server.count('fetch')], ['image', 0, 0])

    if (isRefs || !isFirst) return
    await withTwoCommitsAlone()
    assert.deepEqual((await ask(name, input)).value, expected)
  })
}

test('an answer that needs no more than two commits is given from them', async () => {
  await withTwoCommitsAlone()
  const { receipt } = await ask('rev-parse', { revision: 'main' })
  assert.deepEqual([receipt.tier, receipt.history, receipt.bytesFetched], ['image', 2, 0])
})

test('a submodule and an LFS pointer are shown as what they are', async () => {
  const module = await ask('read-file', { path: 'module' })
  assert.equal((module.value as { oid: string }).oid, source.first)
  const pointer = (await ask('read-file', { path: 'big.psd' })).value as { content: string; lfs: { size: number } }
  assert.deepEqual([pointer.content, pointer.lfs.size], [lfsPointer, 12_345])
})

test('nothing is left of all this but images', () => {
  assert.deepEqual(leftovers(home), [])
})
