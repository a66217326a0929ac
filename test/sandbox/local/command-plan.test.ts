import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  ARGUMENTS_FD,
  bubblewrapArguments,
  checkCommand,
  enterArgv,
  type CommandPlace,
} from '../../../src/sandbox/local/command-plan.ts'

const place: CommandPlace = {
  stateDir: '/state',
  holderPid: 4711,
  network: 'none',
  filterPath: '/state/tools/filter.bpf',
  maxFileBytes: 1_000_000,
  cgroupFiles: [],
  leaksDescriptors: false,
  becomeUid: null,
}
const plain = { cwd: '/workspace', env: {} }
const words = (bytes: Buffer): string[] => bytes.toString().split('\0').slice(0, -1)
const hostile = fc.oneof(fc.string(), fc.constantFrom('--', '-c', '$(id)', '`id`', ';id', "'", '\n', '--args', ''))

test('the script that enters a sandbox is the same text whatever the command', () => {
  const script = enterArgv(place, ['true'])[2]
  fc.assert(
    fc.property(
      fc.array(hostile, { minLength: 1 }),
      hostile,
      hostile,
      fc.nat(),
      (argv, filterPath, stateDir, holderPid) => {
        const entered = enterArgv({ ...place, filterPath, stateDir, holderPid, cgroupFiles: argv }, argv)
        assert.equal(entered[2], script)
        // The command stands last, word by word, behind bubblewrap's own "--".
        assert.deepEqual(entered.slice(-argv.length - 4), ['bwrap', '--args', String(ARGUMENTS_FD), '--', ...argv])
      },
    ),
  )
})

test('control groups are joined by a counted list, so that no name can become a word of the command', () => {
  const files = ['/cg/memory/cgroup.procs', '/cg/pids/cgroup.procs']
  const entered = enterArgv({ ...place, cgroupFiles: files }, ['true'])
  assert.deepEqual(entered.slice(4, 9), ['1954', place.filterPath, '2', ...files])
  assert.equal(entered[9], 'nsenter')
})

test('another uid is taken after the groups are joined and before the sandbox is entered', () => {
  const entered = enterArgv({ ...place, becomeUid: 65_533 }, ['true'])
  const at = entered.indexOf('setpriv')
  assert.deepEqual(entered.slice(at, at + 5), ['setpriv', '--reuid=65533', '--regid=65533', '--clear-groups', '--'])
  assert.ok(at < entered.indexOf('nsenter'))
  assert.ok(!enterArgv(place, ['true']).includes('setpriv'))
})

test('the network namespace is entered where the sandbox has one', () => {
  assert.ok(enterArgv(place, ['true']).includes('-n'))
  assert.ok(!enterArgv({ ...place, network: 'host' }, ['true']).includes('-n'))
})

test('descriptors left open by who started the service are closed first, only where there are any', () => {
  const leaky = enterArgv({ ...place, leaksDescriptors: true }, ['true'])
  assert.deepEqual(leaky.slice(0, 2), ['/usr/bin/perl', '-e'])
  assert.deepEqual(leaky.slice(3), enterArgv(place, ['true']))
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
  ]
  for (const command of bad) assert.throws(() => checkCommand(command), { code: 'input_invalid' })
})
