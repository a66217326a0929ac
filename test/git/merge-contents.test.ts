import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import fc from 'fast-check'
import type { z } from 'zod'
import { hasCode } from '../../src/core/errors.ts'
import type { Operation } from '../../src/git/operation.ts'
import { checkout } from '../../src/git/operations/checkout.ts'
import { branchCreate } from '../../src/git/operations/branch-create.ts'
import { cherryPick } from '../../src/git/operations/cherry-pick.ts'
import { merge } from '../../src/git/operations/merge.ts'
import { rebase } from '../../src/git/operations/rebase.ts'
import { revert } from '../../src/git/operations/revert.ts'
import { edits, makeCrossingHistory } from '../support/crossing-histories.ts'
import { makeConflicts } from '../support/conflicts.ts'
import { makeRichRepository } from '../support/rich-repository.ts'
import { runOperation, scratchDir } from '../support/operation-run.ts'
import { fetchBlobs } from '../support/partial-clone.ts'
import { cloneWorktree } from '../support/partial-worktree.ts'
import { hermeticGit, makeRepository, type Repository } from '../support/repository.ts'
import { fixedGit, stateOf } from '../support/twins.ts'

interface Case<Input extends z.ZodObject, Output extends z.ZodType> {
  readonly source: Repository
  readonly root: string
  readonly operation: Operation<Input, Output>
  readonly input: z.input<Input>
  readonly cone?: readonly string[]
}

// What the operations that merge are asked for in a history where `main` and `topic` have parted.
const merging: ReadonlyArray<readonly [operation: Operation, input: Record<string, unknown>]> = [
  [merge, { revision: 'topic' }],
  [rebase, { onto: 'topic' }],
  [cherryPick, { revision: 'topic' }],
  [revert, { revision: 'topic' }],
]

let count = 0

// After one batch of exactly what is listed, an operation does offline what it does in a whole copy. Returns how much was listed.
async function expectOneBatch<Input extends z.ZodObject, Output extends z.ZodType>({
  source,
  root,
  operation,
  input,
  cone,
}: Case<Input, Output>): Promise<number> {
  const [whole, partial] = [join(root, `whole-${++count}`), join(root, `partial-${count}`)]
  await cloneWorktree(source, whole, { cone })
  await cloneWorktree(source, partial, { cone, isPartial: true })
  const ids = await fetchBlobs(operation, partial, input, source, fixedGit(partial))
  assert.equal(new Set(ids).size, ids.length)
  await hermeticGit(partial, ['config', 'remote.origin.url', '/nowhere'])
  const run = (dir: string) => runOperation(operation, dir, input, { git: fixedGit(dir) })
  assert.deepEqual(await run(partial), await run(whole))
  assert.deepEqual(await stateOf(partial), await stateOf(whole))
  return ids.length
}

test('one batch is enough for every kind of conflict', async (t) => {
  const root = await scratchDir(t)
  const source = await makeRepository(join(root, 'source'), { objectFormat: 'sha256' })
  await makeConflicts(source)
  await expectOneBatch({ source, root, operation: merge, input: { revision: 'topic' } })
  const cone = ['dir', 'folder']
  for (const [operation, input] of merging) await expectOneBatch({ source, root, operation, input, cone })
})

test('one batch is enough for a history with everything in it', async (t) => {
  const root = await scratchDir(t)
  const source = await makeRichRepository(join(root, 'source'))
  const { first, second } = source
  await expectOneBatch({ source, root, operation: checkout, input: { ref: 'topic' } })
  await expectOneBatch({ source, root, operation: branchCreate, input: { name: 'x', revision: first, checkout: true } })
  await expectOneBatch({ source, root, operation: revert, input: { revision: second } })
  await expectOneBatch({ source, root, operation: cherryPick, input: { revision: first } })
  await source.git(['update-ref', 'refs/heads/topic', second])
  await source.git(['update-ref', 'refs/heads/main', first])
  await expectOneBatch({ source, root, operation: merge, input: { revision: 'topic' } })
})

test('only what both sides touch is listed besides what is checked out', async (t) => {
  const root = await scratchDir(t)
  const source = await makeRepository(join(root, 'source'))
  const many = (word: string) =>
    Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`f${at}`, `${word} ${at}\n`]))
  const base = await source.commit({ files: { ...many('base'), a: '1\n', b: 'one\ntwo\nthree\nfour\n' } })
  await source.commit({ files: { ...many('ours'), b: 'ONE\ntwo\nthree\nfour\n' } })
  await source.commit({ branch: 'topic', parents: [base], files: { a: '2\n', b: 'one\ntwo\nthree\nFOUR\n' } })
  // "a" of theirs, "b" of all three.
  assert.equal(await expectOneBatch({ source, root, operation: merge, input: { revision: 'topic' } }), 4)
})

test('a cone keeps its shape, and conflicts outside of it come out all the same', async (t) => {
  const root = await scratchDir(t)
  const source = await makeRepository(join(root, 'source'))
  const attributes = {
    '.gitattributes': '* text=auto\n',
    'in/.gitattributes': 'x text\n',
    'out/.gitattributes': 'f merge=union\n',
  }
  const base = await source.commit({
    files: { ...attributes, 'in/a': '1\n', 'out/a': '1\n', 'out/b': '1\n', 'out/f': '1\n', top: '1\n' },
  })
  await source.commit({ files: { 'out/a': '2\n', 'out/f': '2\n' } })
  await source.commit({
    branch: 'topic',
    parents: [base],
    files: { 'in/a': '2\n', 'out/b': '2\n', 'out/f': '3\n', 'out/new': 'x\n' },
  })
  await source.commit({ branch: 'clash', parents: [base], files: { 'out/a': '3\n', 'far/away': 'x\n' } })
  const cone = ['in']
  await expectOneBatch({ source, root, operation: merge, input: { revision: 'topic' }, cone })
  await expectOneBatch({ source, root, operation: cherryPick, input: { revision: 'clash' }, cone })
  await expectOneBatch({ source, root, operation: rebase, input: { onto: 'clash' }, cone })
  await expectOneBatch({ source, root, operation: checkout, input: { ref: 'clash' }, cone })
})

test('what is only theirs, and not shown, is not listed', async (t) => {
  const root = await scratchDir(t)
  const source = await makeRepository(join(root, 'source'))
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`out/${at}`, `${at}\n`]))
  const base = await source.commit({ files: { 'in/a': '1\n' } })
  await source.commit({ files: { 'in/b': '1\n' } })
  await source.commit({ branch: 'topic', parents: [base], files: { ...many, 'in/a': '2\n' } })
  const cone = ['in']
  assert.equal(await expectOneBatch({ source, root, operation: merge, input: { revision: 'topic' }, cone }), 1)
  assert.equal(await expectOneBatch({ source, root, operation: checkout, input: { ref: 'topic' }, cone }), 1)
})

test('a new file that follows a renamed directory makes git look at contents of that directory', async (t) => {
  const root = await scratchDir(t)
  const source = await makeRepository(join(root, 'source'))
  const text = (word: string, edit = '') => `${word}\n`.repeat(20) + edit
  const base = await source.commit({ files: { 'd/a': text('a'), 'd/b': text('b'), 'e/x': 'x\n' } })
  await source.commit({ files: { 'g/a': text('a', '!\n'), 'g/b': text('b', '!\n') }, delete: ['d'] })
  await source.commit({ branch: 'topic', parents: [base], files: { 'd/new': 'new\n' } })
  const listed = await expectOneBatch({ source, root, operation: merge, input: { revision: 'topic' }, cone: ['e'] })
  assert.equal(listed, 5)
})

test('what moves out of the way of a directory, or along with one, is written anew', async (t) => {
  const root = await scratchDir(t)
  const source = await makeRepository(join(root, 'source'))
  const text = (word: string, edit = '') => `${word}\n`.repeat(20) + edit
  const base = await source.commit({ files: { 'd/a': text('a'), 'd/b': text('b'), 'e/x': 'x\n' } })
  await source.commit({ files: { 'd/mine': 'follows\n', 'o/file': 'moves away\n' } })
  const files = { 'g/a': text('a', '!\n'), 'g/b': text('b', '!\n'), 'o/file/below': 'x\n' }
  await source.commit({ branch: 'topic', parents: [base], files, delete: ['d'] })
  const cone = ['e']
  await expectOneBatch({ source, root, operation: merge, input: { revision: 'topic' }, cone })
  await expectOneBatch({ source, root, operation: rebase, input: { onto: 'topic' }, cone })
})

test('without the batch a merge says what is missing, and is not begun', async (t) => {
  const root = await scratchDir(t)
  const source = await makeRepository(join(root, 'source'))
  await makeConflicts(source)
  const dir = join(root, 'partial')
  await cloneWorktree(source, dir, { isPartial: true })
  const before = await stateOf(dir)
  for (const operation of [merge, cherryPick, revert] as readonly Operation[]) {
    const run = runOperation(operation, dir, { revision: 'topic' }, { git: fixedGit(dir) })
    await assert.rejects(run, (error) => hasCode(error, 'objects_missing'), operation.name)
    assert.deepEqual(await stateOf(dir), before, operation.name)
  }
})

test('random histories of edits, renames and crossing merges never lack a content', async (t) => {
  const root = await scratchDir(t)
  await fc.assert(
    fc.asyncProperty(edits, async (steps) => {
      const source = await makeRepository(join(root, `source-${++count}`))
      await makeCrossingHistory(source, steps)
      const canPick = !(await isMerge(source, 'topic'))
      for (const [operation, input] of merging) {
        if (canPick || operation === merge || operation === rebase) {
          // Outside of the cone not even what HEAD has is there.
          await expectOneBatch({ source, root, operation, input, cone: ['e'] })
        }
      }
    }),
    { numRuns: 1, seed: 20_240_101 },
  )
})

async function isMerge(source: Repository, name: string): Promise<boolean> {
  return (await source.git(['rev-parse', '--verify', '--quiet', `${name}^2`], { okExitCodes: [0, 1] })) !== ''
}
