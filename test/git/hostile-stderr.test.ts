import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import { failureRules, gitFailure, isIncomplete } from '../../src/git/failure.ts'
import { patchRejection } from '../../src/git/patch-rejection.ts'

const length = 300_000
/** Beginnings that fit a rule over and over, and never come to the end of it. */
const beginnings = [
  "'",
  "' ",
  'error: ',
  "error: '",
  'error: \n',
  "error: '\n",
  'error: patch failed: ',
  'error: patch failed: x:1',
  'error: x: ',
  'fatal: \n',
  '\n',
  "Unable to create '",
  "pathspec '",
  "Pathspec '",
  "path '",
  "unable to write file '",
  "' mode 0",
  'unable to read ',
  'invalid object 100644 ',
  'could not read ',
  'file ',
  ' has only 1',
  'Cannot do a ',
  'fork',
  'thread',
  '://',
  '://user:',
  ' ',
  '7',
  'f',
  'a ',
  'line 1',
  ':',
  'é',
  '\u202e',
] as const

test('no pattern for the words of git looks for something at an unbounded distance', async () => {
  const unbounded = /(?:\.|\\[sSwWdDpP](?:\{\w+\})?|\[[^\]]*\])(?:[*+]|\{\d+,\})/
  for (const { pattern, unless } of failureRules) {
    assert.doesNotMatch(pattern.source, unbounded)
    assert.doesNotMatch(unless?.source ?? '', unbounded)
  }
  const source = await readFile(new URL('../../src/git/patch-rejection.ts', import.meta.url), 'utf8')
  const patterns = source.match(/(?<=[( ])\/(?![/*]).+?\/[a-z]*(?=\.(?:test|exec)\()/g) ?? []
  assert.equal(patterns.length, 2)
  for (const pattern of patterns) assert.doesNotMatch(pattern, unbounded)
})

test('whatever a hostile git says, and however much, is understood at once', () => {
  for (const beginning of beginnings) {
    const flood = beginning.repeat(Math.ceil(length / beginning.length))
    for (const stderr of [flood, `error: ${flood}`, `${flood}\nfatal: end`]) {
      // The processor's time, as a busy host takes none of it away.
      const before = process.cpuUsage()
      isIncomplete(stderr)
      for (const subcommand of ['log', 'apply', 'index-pack']) gitFailure({ subcommand, exitCode: 1, stderr })
      patchRejection({ exitCode: 1, stderr, stdout: Buffer.alloc(0), text: '' }, ['x'])
      const { user } = process.cpuUsage(before)
      assert(user < 2_000_000, `${JSON.stringify(beginning)} took ${user / 1000} ms`)
    }
  }
})
