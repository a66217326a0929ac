import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Usage } from '../../src/directory/usage.ts'
import { mergedUse, type RepositoryUse } from '../../src/workspace/repository-use.ts'
import { useBook } from '../../src/workspace/use-book.ts'

const asked = { ref: 'HEAD', tenant: '' }

/** What is written down, by whom it was, which can be made to wait and to fail. */
function paper() {
  const written = new Map<string, RepositoryUse>()
  let [gate, isFull] = [Promise.resolve(), false]
  const usage: Usage<RepositoryUse> = {
    async *all() {
      for (const [repo, entry] of written) yield { repo, entry }
    },
    async add(repo, entry) {
      await gate
      if (isFull) throw new Error('no space left')
      const known = written.get(repo)
      const both = known === undefined ? entry : mergedUse(known, entry)
      written.set(repo, both)
      return both
    },
    forget: async (repo) => void written.delete(repo),
  }
  return {
    usage,
    uses: (repo: string) => written.get(repo)?.use.count ?? 0,
    fill: (full: boolean) => void (isFull = full),
    hold: (): (() => void) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      gate = promise
      return resolve
    },
  }
}

test('what is counted while others are written down is written down too', async () => {
  const { usage, uses, hold } = paper()
  const book = useBook(usage)
  for (const repo of ['a', 'b']) book.count(repo, asked, 1)
  const release = hold()
  const flushed = book.flush()
  for (const repo of ['a', 'b', 'b']) book.count(repo, asked, 2)
  release()
  await flushed
  await book.flush()
  assert.deepEqual([uses('a'), uses('b')], [2, 3])
  assert.deepEqual([book.find('a')?.use.count, book.find('b')?.use.count], [2, 3])
  await book.close()
})

test('what cannot be written down is kept for the next time', async () => {
  const { usage, uses, fill } = paper()
  const book = useBook(usage)
  book.count('a', asked, 1)
  fill(true)
  await assert.rejects(book.flush(), /no space left/)
  book.count('a', asked, 2)
  fill(false)
  await book.flush()
  assert.deepEqual([uses('a'), book.find('a')?.use.count], [2, 2])
  await book.close()
})

test('no order of counting, writing and reading by two loses a use or counts it twice', async () => {
  const step = fc.record({
    who: fc.nat({ max: 1 }),
    what: fc.constantFrom('count', 'flush', 'load'),
    repo: fc.nat({ max: 2 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { usage, uses } = paper()
      const books = [useBook(usage), useBook(usage)]
      const work: Promise<void>[] = []
      for (const [at, { who, what, repo }] of steps.entries()) {
        const book = books[who] ?? assert.fail('nobody')
        if (what === 'count') book.count(`repo-${repo}`, asked, at)
        else work.push(what === 'flush' ? book.flush() : book.load(at))
      }
      await Promise.all(work)
      for (const book of books) await book.close()
      for (const book of books) await book.load(100)
      for (const repo of [0, 1, 2]) {
        const counted = steps.filter((one) => one.what === 'count' && one.repo === repo).length
        assert.deepEqual(
          [uses(`repo-${repo}`), ...books.map((book) => book.find(`repo-${repo}`)?.use.count ?? 0)],
          [counted, counted, counted],
        )
      }
    }),
  )
})

test('a time of a clock that was ahead is taken for now', async () => {
  const { usage } = paper()
  const ahead = useBook(usage)
  ahead.count('a', asked, 9_000_000)
  await ahead.close()
  const book = useBook(usage)
  await book.load(1000)
  assert.deepEqual([book.find('a')?.use.lastAt, book.find('a')?.refs['HEAD']], [1000, 1000])
  await book.close()
})
