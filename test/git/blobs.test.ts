import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import type { z } from 'zod'
import { hasCode } from '../../src/core/errors.ts'
import type { Operation } from '../../src/git/operation.ts'
import { blame } from '../../src/git/operations/blame.ts'
import { diff } from '../../src/git/operations/diff.ts'
import { grep } from '../../src/git/operations/grep.ts'
import { listFiles } from '../../src/git/operations/list-files.ts'
import { log } from '../../src/git/operations/log.ts'
import { readFile } from '../../src/git/operations/read-file.ts'
import { show } from '../../src/git/operations/show.ts'
import type { Repository } from '../support/repository.ts'
import { makeRichRepository, oddBytes } from '../support/rich-repository.ts'
import { cloneWithoutBlobs, fetchBlobs } from '../support/partial-clone.ts'
import { gitAt, runOperation, scratchDir } from '../support/operation-run.ts'

interface Case<Input extends z.ZodObject, Output extends z.ZodType> {
  readonly source: Repository
  readonly dir: string
  readonly operation: Operation<Input, Output>
  readonly input: z.input<Input>
}

// Without the contents the operation says what is missing; with one batch of exactly those listed it answers as the whole repository does.
async function expectOneBatch<Input extends z.ZodObject, Output extends z.ZodType>({
  source,
  dir,
  operation,
  input,
}: Case<Input, Output>) {
  await cloneWithoutBlobs(source, dir)
  const options = { git: gitAt(dir, { isBare: true }), resolveIn: source.dir }
  await assert.rejects(
    runOperation(operation, dir, input, options),
    (error) => hasCode(error, 'objects_missing'),
    operation.name,
  )
  const ids = await fetchBlobs(operation, dir, input, source)
  assert.equal(new Set(ids).size, ids.length)
  assert.deepEqual(
    await runOperation(operation, dir, input, options),
    await runOperation(operation, source.dir, input),
    operation.name,
  )
}

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`one batch of the listed contents is enough for every operation (${objectFormat})`, async (t) => {
    const root = await scratchDir(t)
    const source = await makeRichRepository(join(root, 'source'), { objectFormat })
    let count = 0
    const next = () => join(root, `partial-${count++}`)
    const { first, second } = source
    await expectOneBatch({ source, dir: next(), operation: diff, input: { from: first, to: second } })
    await expectOneBatch({ source, dir: next(), operation: diff, input: { from: first, to: second, copies: true } })
    await expectOneBatch({
      source,
      dir: next(),
      operation: diff,
      input: { from: second, to: 'topic', mergeBase: true },
    })
    await expectOneBatch({
      source,
      dir: next(),
      operation: diff,
      input: { from: first, to: second, paths: ['lib', { base64: oddBytes.toString('base64') }] },
    })
    await expectOneBatch({ source, dir: next(), operation: show, input: { revision: second } })
    await expectOneBatch({ source, dir: next(), operation: show, input: { revision: first } })
    await expectOneBatch({ source, dir: next(), operation: blame, input: { path: 'lib/long.txt' } })
    await expectOneBatch({ source, dir: next(), operation: grep, input: { pattern: 'line', paths: ['lib', 'a\nb'] } })
    await expectOneBatch({ source, dir: next(), operation: listFiles, input: { sizes: true } })
    await expectOneBatch({
      source,
      dir: next(),
      operation: listFiles,
      input: { sizes: true, recursive: false, path: 'lib' },
    })
    await expectOneBatch({ source, dir: next(), operation: readFile, input: { path: 'lib/long.txt' } })
  })
}

test('only what is read is listed', async (t) => {
  const root = await scratchDir(t)
  const source = await makeRichRepository(join(root, 'source'))
  const dir = join(root, 'partial')
  await cloneWithoutBlobs(source, dir)
  const oid = await source.git(['rev-parse', 'HEAD:tool'])
  assert.deepEqual(await fetchBlobs(readFile, dir, { path: 'tool' }, source), [oid])
  assert.deepEqual(await fetchBlobs(readFile, dir, { path: 'lib' }, source), [])
  assert.deepEqual(await fetchBlobs(readFile, dir, { path: 'module' }, source), [])
  const changed = await fetchBlobs(diff, dir, { from: source.second, to: 'HEAD' }, source)
  assert.deepEqual(changed, [await source.git(['rev-parse', 'HEAD:topic.txt'])])
})

test('listing commits, paths and changed files needs no contents at all', async (t) => {
  const root = await scratchDir(t)
  const source = await makeRichRepository(join(root, 'source'))
  const dir = join(root, 'partial')
  await cloneWithoutBlobs(source, dir)
  const options = { git: gitAt(dir, { isBare: true }), resolveIn: source.dir }
  for (const input of [{ files: true }, { path: 'lib/long.txt', files: true }, { path: 'a\nb' }]) {
    assert.deepEqual(await runOperation(log, dir, input, options), await runOperation(log, source.dir, input))
  }
  assert.deepEqual(await runOperation(listFiles, dir, {}, options), await runOperation(listFiles, source.dir, {}))
})
