import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  bubblewrapArguments,
  checkCommand,
  commandFields,
  type CommandPlace,
} from '../../../src/sandbox/local/command-plan.ts'

const place: CommandPlace = {
  stateDir: '/state',
  mark: 'sb_1',
  filterPath: '/state/tools/filter.bpf',
  maxFileBytes: 1_000_000,
}
const plain = { cwd: '/workspace', env: {} }
const words = (bytes: Buffer): string[] => bytes.toString().split('\0').slice(0, -1)
const hostile = fc.oneof(fc.string(), fc.constantFrom('--', '-c', '$(id)', '`id`', ';id', "'", '\n', '--args', ''))

test('what a launcher is told is counted: the command stands last, word by word, whatever it says', () => {
  fc.assert(
    fc.property(fc.array(hostile, { minLength: 1 }), hostile, (argv, filterPath) => {
      const bubblewrap = bubblewrapArguments(place, plain)
      const fields = commandFields({ ...place, filterPath }, bubblewrap, argv)
      assert.deepEqual(fields.slice(0, 4), [place.mark, '1000000', filterPath, bubblewrap])
      assert.deepEqual(fields.slice(4), argv)
    }),
  )
})

test('bubblewrap is told everything that hardens a command', () => {
  const given = words(bubblewrapArguments(place, plain))
  for (const word of ['--unshare-user', '--unshare-pid', '--die-with-parent', '--new-session', '--clearenv'])
    assert.ok(given.includes(word), word)
  const pairs = given.map((word, index) => `${word} ${given[index + 1]}`)
  for (const pair of [
    '--uid 1000',
    '--gid 1000',
    '--cap-drop ALL',
    '--proc /proc',
    '--chdir /workspace',
    '--seccomp 4',
  ])
    assert.ok(pairs.includes(pair), pair)
})

test('no value of a variable or directory adds a word to what bubblewrap is told', () => {
  const count = words(bubblewrapArguments(place, plain)).length
  fc.assert(
    fc.property(fc.dictionary(hostile, hostile), hostile, (env, directory) => {
      const command = { argv: ['true'], cwd: `/${directory}`, env }
      try {
        checkCommand(command)
      } catch {
        // Refused: it never gets this far.
        return
      }
      const given = words(bubblewrapArguments(place, command))
      assert.equal(given.length, count + 3 * Object.keys(env).length)
      for (const [name, value] of Object.entries(env)) {
        const at = given.findIndex((word, index) => word === '--setenv' && given[index + 1] === name)
        assert.equal(given[at + 2], value)
      }
    }),
  )
})

test('words with a NUL, names with "=", no words and relative directories are refused', () => {
  const bad = [
    { ...plain, argv: [] },
    { ...plain, argv: ['a\0b'] },
    { argv: ['a'], cwd: '/a\0b', env: {} },
    { argv: ['a'], cwd: 'a', env: {} },
    { argv: ['a'], cwd: '/', env: { a: '\0' } },
    { argv: ['a'], cwd: '/', env: { '\0': 'a' } },
    { argv: ['a'], cwd: '/', env: { 'a=b': 'c' } },
    { argv: ['a'], cwd: '/', env: { '': 'c' } },
    { argv: ['a', 'b'.repeat(128 * 1024)], cwd: '/', env: {} },
    { argv: ['a'], cwd: '/', env: { a: 'b'.repeat(128 * 1024) } },
    { argv: Array.from({ length: 30 }, () => 'b'.repeat(100_000)), cwd: '/', env: {} },
  ]
  for (const command of bad) assert.throws(() => checkCommand(command), { code: 'input_invalid' })
})
