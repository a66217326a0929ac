import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryResultCache } from '../../src/cache/result-cache.ts'

test('what was set is got until newer values need the room; the least used go first', () => {
  const cache = memoryResultCache<{ text: string }>({ maxBytes: 1000 })
  const value = { text: 'x'.repeat(80) }
  for (let index = 0; index < 10; index += 1) cache.set(`key${index}`, value)
  assert.deepEqual(cache.get('key0'), value)
  cache.set('one more', value)
  assert.equal(cache.get('key1'), null)
  assert.deepEqual([cache.get('key0'), cache.get('one more')], [value, value])
  assert.equal(cache.get('never set'), null)
})

test('a value that would take more than its share is not kept', () => {
  const cache = memoryResultCache<{ text: string }>({ maxBytes: 1000 })
  cache.set('small', { text: 'x' })
  cache.set('large', { text: 'x'.repeat(500) })
  assert.equal(cache.get('large'), null)
  assert.deepEqual(cache.get('small'), { text: 'x' })
})

test('a cache of no bytes keeps nothing', () => {
  const cache = memoryResultCache<{ text: string }>({ maxBytes: 0 })
  cache.set('key', { text: '' })
  assert.equal(cache.get('key'), null)
})
