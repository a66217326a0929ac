import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { promisify } from 'node:util'
import { keeping, maxKept } from '../../src/git/keeping.ts'
import { breadth, type BombEndings } from '../support/bomb-process.ts'
import { scratchDir } from '../support/operation-run.ts'

const program = join(import.meta.dirname, '../support/bomb-process.ts')
let endings: BombEndings

before(async (t) => {
  assert(breadth * breadth > maxKept)
  const dir = await scratchDir(t as Parameters<typeof scratchDir>[0])
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    program,
    dir,
  ])
  endings = JSON.parse(stdout) as BombEndings
})

/** That it ended with a limit, and says how much was too much. */
function assertTooMuch(name: string, words: RegExp): void {
  assert.equal(endings[name]?.code, 'output_limit', name)
  assert.match(endings[name]?.message ?? '', words, name)
}

test('whatever lists what a bomb of two trees holds ends with a limit', () => {
  for (const name of ['changed blobs', 'all contents']) assertTooMuch(name, /more than 250000 /)
})

test('a few names of endless length are a bomb as well', () => {
  assertTooMuch('long names', /more than 67108864 bytes/)
  assertTooMuch('long list', /files take more than/)
})

test('an explanation that would be too long is left out, and the failure told all the same', () => {
  assert.equal(endings['checkout']?.code, 'worktree_dirty')
})

test('a stash of a bomb is not taken back', () => {
  assertTooMuch('stash', /more than 250000 files/)
})

test('an index that is a bomb is told by its first paths and their number', () => {
  const { code, details } = endings['rebase'] ?? assert.fail()
  assert.equal(code, 'worktree_dirty')
  assert.deepEqual([(details['paths'] as []).length, details['count']], [100, breadth * breadth + 1])
  assertTooMuch('staged blobs', /more than 250000 changed files/)
})

test('as many as are allowed are kept', () => {
  const keep = keeping('words', 2)
  keep(1)
  keep(1)
  assert.throws(() => keep(1), { code: 'output_limit' })
})
