import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stepText } from '../../src/workspace/step-text.ts'

test('every step has words', () => {
  const wants = ['a'.repeat(40)]
  const texts = [
    stepText({ kind: 'fork', image: 'img_1' }),
    stepText({ kind: 'fetch', depth: 1, filter: 'none', wants }),
    stepText({ kind: 'fetch', depth: 'full', filter: 'blob:none', wants }),
    stepText({ kind: 'backfill', what: 'blobs', extent: 'paths', cone: [], depth: 1 }),
    stepText({ kind: 'backfill', what: 'blobs', extent: 'cone', cone: ['src'], depth: 1 }),
    stepText({ kind: 'checkout', cone: ['src', 'docs'] }),
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
