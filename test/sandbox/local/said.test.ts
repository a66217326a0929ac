import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shownTail } from '../../../src/sandbox/local/said.ts'

test('what is shown of a program’s words names no path of the host, and has no control characters', () => {
  const stateDir = '/var/lib/my forkyard'
  for (const [said, shown] of [
    [`tar: ${stateDir}/rw/upper: Cannot open: No such file\n`, 'tar: …: Cannot open: No such file'],
    [`tar: ${stateDir}: Cannot chdir`, 'tar: …: Cannot chdir'],
    ["tar: '/srv/\\303\\244/state': Cannot chdir", "tar: '…': Cannot chdir"],
    ['Cannot open /proc/12/ns/user: gone at -e line 3.', 'Cannot open …: gone at -e line 3.'],
    ['tar: rw/upper/a/b: File name too long', 'tar: rw/upper/a/b: File name too long'],
    ['tar: rw/upper/\u001b[2J\r\u202ex: gone\nlast', 'tar: rw/upper/\\x1b[2J\\r\\u202ex: gone\nlast'],
  ] as const)
    assert.equal(shownTail(said, stateDir), shown)
  assert.equal(
    shownTail('Cannot stop the programs: process 7 goes on\n'),
    'Cannot stop the programs: process 7 goes on',
  )
  assert.equal(shownTail(`${'a'.repeat(5000)}\n`).length, 2000)
})
