import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askedAgain, isRepositoryUse, mergedUse, type RepositoryUse } from '../../src/workspace/repository-use.ts'

function asked(known: RepositoryUse | null, ref: string, at: number, tenant: string | null = ''): RepositoryUse {
  return askedAgain(known, { ref, tenant }, at)
}

test('the latest refs are remembered, each with when it was asked for the last time', () => {
  let known: RepositoryUse | null = null
  for (let at = 0; at < 12; at += 1) known = asked(known, `topic-${at % 10}`, at)
  assert.deepEqual(Object.keys(known?.refs ?? {}).length, 8)
  assert.deepEqual([known?.refs['topic-1'], known?.refs['topic-0'], known?.refs['topic-2']], [11, 10, undefined])
  assert.equal(known?.use.count, 12)
})

test('a ref may be called like a part of every object', () => {
  const known = asked(asked(null, '__proto__', 1), 'constructor', 2)
  assert.deepEqual(
    new Map(Object.entries(known.refs)),
    new Map([
      ['__proto__', 1],
      ['constructor', 2],
    ]),
  )
  assert.ok(isRepositoryUse(JSON.parse(JSON.stringify(known))))
})

test('a credential that a request brought leaves the configured one that is known', () => {
  assert.equal(asked(null, 'HEAD', 1, null).tenant, null)
  assert.equal(asked(asked(null, 'HEAD', 1, 'acme'), 'HEAD', 2, null).tenant, 'acme')
  assert.equal(asked(asked(null, 'HEAD', 1, 'acme'), 'HEAD', 2, 'other').tenant, 'other')
})

test('what two processes counted is put together, in either order', () => {
  const one = asked(asked(null, 'HEAD', 1, 'acme'), 'main', 5, 'acme')
  const other = asked(null, 'HEAD', 3, null)
  const both = mergedUse(one, other)
  assert.deepEqual(both, mergedUse(other, one))
  assert.deepEqual([both.use.count, both.use.lastAt, both.tenant], [3, 5, 'acme'])
  assert.deepEqual(both.refs, { main: 5, HEAD: 3 })
})

test('what another version or somebody else has written is no use', () => {
  const known = asked(null, 'HEAD', 1)
  for (const other of [null, 'x', {}, { ...known, use: {} }, { ...known, refs: null }, { ...known, refs: { a: 'x' } }])
    assert.ok(!isRepositoryUse(other))
  for (const other of [{ ...known, tenant: 7 }]) assert.ok(!isRepositoryUse(other))
})
