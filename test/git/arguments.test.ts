import assert from 'node:assert/strict'
import test from 'node:test'
import { joinArguments } from '../../src/git/arguments.ts'

const id = 'a'.repeat(40)

test('flags, revisions and paths are joined as each subcommand understands', () => {
  const parts = { flags: ['-z'], revisions: [id], paths: ['-rf'] }
  assert.deepEqual(joinArguments('log', parts), ['log', '-z', '--end-of-options', id, '--', '-rf'])
  assert.deepEqual(joinArguments('grep', parts), ['grep', '-z', id, '--', '-rf'])
  assert.deepEqual(joinArguments('ls-tree', parts), ['ls-tree', '-z', '--end-of-options', id, '-rf'])
  assert.deepEqual(joinArguments('status', {}), ['status', '--'])
  assert.deepEqual(joinArguments('rev-parse', { operands: ['x', 'y'] }), ['rev-parse', '--end-of-options', 'x', 'y'])
  const stash = { action: 'push', flags: ['--quiet', '--message=-x'] }
  assert.deepEqual(joinArguments('stash', stash), ['stash', 'push', '--quiet', '--message=-x'])
})

test('a path that is not UTF-8 stays bytes', () => {
  const path = { base64: Buffer.from([0xff]).toString('base64') }
  assert.deepEqual(joinArguments('blame', { paths: [path] }), ['blame', '--', Buffer.from([0xff])])
})

test('nothing but a full id is a revision, nothing but a flag is a flag', () => {
  for (const revision of ['main', '--output=/tmp/x', 'HEAD', `${id}~1`, id.slice(1), '']) {
    assert.throws(() => joinArguments('log', { revisions: [revision] }), /not a full object id/)
  }
  for (const flag of ['main', '', '-', '--', '-\0', '--x\0y', 'a=b'])
    assert.throws(() => joinArguments('log', { flags: [flag] }), /not a flag/)
  for (const operand of ['', '-x', '--upload-pack=touch x', 'a\0']) {
    assert.throws(() => joinArguments('rev-parse', { operands: [operand] }), /looks like a flag/)
  }
  for (const action of ['', '-x', 'a b', 'push\0']) assert.throws(() => joinArguments('stash', { action }), /no word/)
  assert.throws(() => joinArguments('log', { paths: ['../x'] }), /not inside/)
  assert.throws(() => joinArguments('merge-base', { paths: ['x'] }), /takes no paths/)
})
