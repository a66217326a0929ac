import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeStep } from '../../src/workspace/step-text.ts'

test('every step has words', () => {
  const wants = ['a'.repeat(40)]
  const texts = [
    describeStep({ kind: 'fork', image: 'img_1' }),
    describeStep({ kind: 'fetch', depth: 1, filter: 'none', wants }),
    describeStep({ kind: 'fetch', depth: 'full', filter: 'blob:none', wants }),
    describeStep({ kind: 'backfill', what: 'blobs', extent: 'paths', cone: [], depth: 1 }),
    describeStep({ kind: 'backfill', what: 'blobs', extent: 'cone', cone: ['src'], depth: 1 }),
    describeStep({ kind: 'checkout', cone: ['src', 'docs'] }),
  ]
  assert.deepEqual(texts, [
    'fork image img_1',
    'fetch one commit',
    'fetch the whole history without file contents',
    'bring missing blobs of the asked paths in one batch',
    'bring missing blobs of src in one batch',
    'check out src, docs',
  ])
})
