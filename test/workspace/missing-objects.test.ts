import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { listWanted, missingOf } from '../../src/workspace/missing-objects.ts'
import type { Step } from '../../src/workspace/steps.ts'
import { gitAt } from '../support/operation-run.ts'
import { makeRepository, openRepository, type Repository } from '../support/repository.ts'
import { scratchPlace } from '../support/scratch-place.ts'

const { signal } = new AbortController()
let root: string
let source: Repository
let tip: string

before(async () => {
  root = mkdtempSync(join(scratchPlace, 'forkyard-missing-'))
  source = await makeRepository(join(root, 'source'))
  await source.git(['config', 'uploadpack.allowFilter', 'true'])
  await source.commit({ files: { 'a/f': 'one\n', 'b/f': 'two\n', top: '1\n' } })
  tip = await source.commit({ files: { 'a/f': 'three\n', top: '2\n' } })
})
after(() => rmSync(root, { recursive: true, force: true }))

type Backfill = Extract<Step, { kind: 'backfill' }>

/** A clone with gaps, as images are: promised objects are missing and nothing may fetch them. */
async function cloneWithGaps(name: string, filter: 'blob:none' | 'tree:0'): Promise<Repository> {
  const clone = await makeRepository(join(root, name))
  await clone.git(['remote', 'add', 'origin', `file://${source.dir}`])
  await clone.git(['fetch', '--quiet', `--filter=${filter}`, 'origin', tip])
  await clone.git(['update-ref', 'refs/forkyard/tip', tip])
  return clone
}

/** Carries a backfill out in one batch, as a courier does, and gives what it asked for. */
async function backfill(clone: Repository, step: Pick<Backfill, 'what' | 'extent'> & Partial<Backfill>) {
  const whole: Backfill = { kind: 'backfill', cone: [], depth: 'full', ...step }
  const listBlobs = () => Promise.reject(new Error('no paths were asked for'))
  const list = () => listWanted(gitAt(clone.dir), whole, { commits: [tip], listBlobs }, { signal })
  const { oids, filter } = await list()
  const narrow = filter === 'none' ? '--no-filter' : `--filter=${filter}`
  const config = ['-c', 'fetch.negotiationAlgorithm=noop']
  const args = [...config, 'fetch', '--quiet', narrow, '--no-write-fetch-head', '--no-tags', '--stdin', 'origin']
  await clone.git(args, { input: oids.map((oid) => `${oid}\n`).join('') })
  assert.deepEqual((await list()).oids, [], 'one batch brings everything')
  return oids
}

const ids = (...revisions: string[]) => Promise.all(revisions.map((revision) => source.git(['rev-parse', revision])))

test('contents that were left out on purpose are told from those that are there', async () => {
  const clone = await cloneWithGaps('told', 'blob:none')
  const [there = '', missing = ''] = await ids(`${tip}:a/f`, `${tip}:b/f`)
  await clone.git(['hash-object', '-w', '--stdin'], { input: 'three\n' })
  assert.deepEqual(await missingOf(gitAt(clone.dir), [missing, there, missing], signal), [missing])
})

test('all missing contents of a tip are one batch', async () => {
  const oids = await backfill(await cloneWithGaps('tip', 'blob:none'), { what: 'blobs', extent: 'tip' })
  assert.deepEqual(new Set(oids), new Set(await ids(`${tip}:a/f`, `${tip}:b/f`, `${tip}:top`)))
})

test('where even the tree is missing it is asked for in place of all below it', async () => {
  const oids = await backfill(await cloneWithGaps('root', 'tree:0'), { what: 'blobs', extent: 'tip' })
  assert.deepEqual(oids, await ids(`${tip}^{tree}`))
})

test('trees of all history come without contents', async () => {
  const clone = await cloneWithGaps('trees', 'tree:0')
  const oids = await backfill(clone, { what: 'trees', extent: 'all' })
  assert.deepEqual(new Set(oids), new Set(await ids(`${tip}^{tree}`, `${tip}~1^{tree}`)))
  const [content = ''] = await ids(`${tip}:a/f`)
  assert.deepEqual(await missingOf(gitAt(clone.dir), [content], signal), [content])
})

test('contents of all history are found below trees that are there and those that are not', async () => {
  const clone = await cloneWithGaps('mixed', 'tree:0')
  await backfill(clone, { what: 'trees', extent: 'tip' })
  const oids = await backfill(clone, { what: 'blobs', extent: 'all' })
  assert(oids.includes((await ids(`${tip}~1^{tree}`))[0] ?? ''))
  assert(oids.includes((await ids(`${tip}:a/f`))[0] ?? ''))
  assert.equal(await openRepository(clone.dir).git(['cat-file', '-p', `${tip}~1:a/f`]), 'one')
})

test('a cone is its directories and the files directly above them', async () => {
  const clone = await cloneWithGaps('cone', 'blob:none')
  const oids = await backfill(clone, { what: 'blobs', extent: 'cone', cone: ['a'] })
  assert.deepEqual(new Set(oids), new Set(await ids(`${tip}:a/f`, `${tip}:top`)))
})
