import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import fc from 'fast-check'
import { blame } from '../../src/git/operations/blame.ts'
import { makeRepository, type Files, type Repository } from '../support/repository.ts'
import { cloneWithoutBlobs, fetchBlobs } from '../support/partial-clone.ts'
import { gitAt, runOperation, scratchDir } from '../support/operation-run.ts'

const text = (seed: string, edit = '') => Array.from({ length: 20 }, (_, index) => `${seed} ${index}\n`).join('') + edit

async function expectWhole(source: Repository, dir: string, path: string) {
  await cloneWithoutBlobs(source, dir)
  await fetchBlobs(blame, dir, { path }, source)
  const options = { git: gitAt(dir, { isBare: true }), resolveIn: source.dir }
  assert.deepEqual(await runOperation(blame, dir, { path }, options), await runOperation(blame, source.dir, { path }))
}

test('a file that was renamed and edited again and again, with other files deleted beside it', async (t) => {
  const root = await scratchDir(t)
  const source = await makeRepository(join(root, 'source'))
  const bystanders: Files = { x: text('x'), y: text('y'), 'd/z': text('z') }
  await source.commit({ files: { ...bystanders, a: text('a') } })
  await source.commit({ files: { a: text('a', 'one\n') } })
  await source.commit({ files: { b: text('a', 'one\ntwo\n') }, delete: ['a', 'x'] })
  await source.commit({ files: { b: text('a', 'one\ntwo\nthree\n') } })
  await source.commit({ files: { 'dir/c': text('a', 'one\ntwo\nthree\nfour\n') }, delete: ['b', 'y', 'd'] })
  // An exact rename, and a name that is used a second time.
  await source.commit({ files: { a: text('a', 'one\ntwo\nthree\nfour\n') }, delete: ['dir'] })
  await expectWhole(source, join(root, 'partial'), 'a')
  const paths = (await runOperation(blame, source.dir, { path: 'a' })).ranges.map(({ originalPath }) => originalPath)
  assert.deepEqual(new Set(paths), new Set(['a', 'b', 'dir/c']))
})

test('a rename on a side branch, and a merge that edits the file itself', async (t) => {
  const root = await scratchDir(t)
  const source = await makeRepository(join(root, 'source'))
  const base = await source.commit({ files: { old: text('a'), other: text('b') } })
  const side = await source.commit({
    branch: 'side',
    parents: [base],
    files: { new: text('a', 'side\n') },
    delete: ['old'],
  })
  const main = await source.commit({ files: { old: text('a', 'main\n') } })
  await source.commit({ parents: [main, side], files: { new: text('a', 'main\nside\nmerge\n') }, delete: ['old'] })
  await source.commit({ files: { new: text('a', 'main\nside\nmerge\nlast\n') } })
  await expectWhole(source, join(root, 'partial'), 'new')
})

test('a link that became a file, and a file without any history but its own', async (t) => {
  const root = await scratchDir(t)
  const source = await makeRepository(join(root, 'source'))
  await source.commit({ files: { turns: { symlink: 'x' }, old: text('a'), alone: 'alone\n' } })
  await source.commit({ files: { turns: text('a', 'more\n') }, delete: ['old'] })
  await expectWhole(source, join(root, 'one'), 'turns')
  await expectWhole(source, join(root, 'two'), 'alone')
})

test('random histories of edits, renames and merges never lack a content', async (t) => {
  const root = await scratchDir(t)
  let run = 0
  const names = ['a', 'b', 'c/d']
  const step = fc.record({
    branch: fc.constantFrom('main', 'side'),
    merge: fc.boolean(),
    from: fc.constantFrom(...names),
    to: fc.constantFrom(...names),
    edit: fc.nat(99),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 8 }), async (steps) => {
      const dir = join(root, `${run++}`)
      const source = await makeRepository(join(dir, 'source'))
      const start = new Map(names.map((name) => [name, text(name)]))
      const base = await source.commit({ files: [...start] })
      const tips = { main: { id: base, files: start }, side: { id: base, files: start } }
      for (const { branch, merge, from, to, edit } of steps) {
        const { id, files } = tips[branch]
        const content = files.get(from)
        if (content === undefined) continue
        const changed = new Map(files)
        changed.delete(from)
        changed.set(to, `${content}edit ${edit}\n`)
        const other = tips[branch === 'main' ? 'side' : 'main'].id
        const parents = merge && other !== id ? [id, other] : [id]
        const gone = names.filter((name) => !changed.has(name))
        tips[branch] = {
          id: await source.commit({ branch, parents, files: [...changed], delete: gone }),
          files: changed,
        }
      }
      for (const name of tips.main.files.keys()) await expectWhole(source, join(dir, name.replace('/', '-')), name)
    }),
    { numRuns: 5 },
  )
})
