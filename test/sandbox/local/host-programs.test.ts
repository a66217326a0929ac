import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  hasMemoryUppers,
  holdFailure,
  hostPrograms,
  requirePrograms,
} from '../../../src/sandbox/local/host-programs.ts'

test('on a host that can run these tests nothing is missing', () => {
  assert.deepEqual(
    hostPrograms().filter(({ isThere }) => !isThere),
    [],
  )
  requirePrograms()
})

test('missing programs are named once, with the packages that bring them', () => {
  const programs = hostPrograms().map((program) => ({
    ...program,
    isThere: !['bwrap', 'perl'].includes(program.name),
  }))
  assert.throws(() => requirePrograms(programs), {
    code: 'host_unable',
    message: /bwrap, perl missing; install bubblewrap perl-base$/,
    details: { packages: ['bubblewrap', 'perl-base'] },
  })
})

test('uppers in memory need Linux 6.6', () => {
  for (const [kernel, expected] of [
    ['6.6.0', true],
    ['6.18.44-fc', true],
    ['7.0', true],
    ['6.5.13-generic', false],
    ['5.15.0', false],
    ['unknown', false],
  ] as const)
    assert.equal(hasMemoryUppers(kernel), expected, kernel)
})

test('what a holder says before it ends is understood', () => {
  const said = {
    'Cannot unshare(1946288128): No space left on device': 'host_unable',
    'Cannot unshare(1946288128): Operation not permitted': 'host_unable',
    'Cannot mount(overlay, /s/mnt/workspace, overlay, 6, lowerdir=layers/a): No such file or directory':
      'image_not_found',
    'Cannot mount(overlay, /s/mnt/workspace, overlay, 6, lowerdir=layers/a): Invalid argument': 'host_unable',
    'Cannot mount(none, /s/rw, 38, size=1000,nr_inodes=10): Invalid argument': 'inode_limit',
    'Cannot mount(tmpfs, /s/mnt, tmpfs, 6, size=1m): Permission denied': 'host_unable',
    'Cannot carry out nonsense: unknown step': 'sandbox_failed',
    '': 'sandbox_failed',
  }
  for (const [text, code] of Object.entries(said)) {
    const failure = holdFailure(`${text}\n`)
    assert.deepEqual([failure.code, failure.details], [code, { stderr: text }], text)
  }
})
