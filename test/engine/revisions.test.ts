import assert from 'node:assert/strict'
import { test } from 'node:test'
import { revisionFields } from '../../src/engine/revisions.ts'
import { findOperation } from '../../src/git/registry.ts'

test('a revision left out stands for the ref, unless the operation says that it stands for nothing', () => {
  const refs = (name: string, input: Record<string, unknown>): unknown =>
    [...revisionFields(findOperation(name), input, 'main')].map(([field, { ref, steps }]) => [field, ref, steps])
  assert.deepEqual(refs('log', { revision: null }), [['revision', 'main', '']])
  assert.deepEqual(refs('reset', { revision: 'v1~2' }), [['revision', 'v1', '~2']])
  assert.deepEqual(refs('restore', { from: null }), [])
  assert.deepEqual(refs('restore', {}), [])
  assert.deepEqual(refs('restore', { from: 'HEAD' }), [['from', 'HEAD', '']])
})
