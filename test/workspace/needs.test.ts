import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Needs } from '../../src/git/operation.ts'
import { blank, covers, join, joinCones, lasting, normalise, serves, type Has } from '../../src/workspace/needs.ts'
import { anyCone, anyNeeds, holdings } from './arbitraries.ts'

test('normalising twice is normalising once', () => {
  fc.assert(fc.property(anyNeeds, (some) => assert.deepEqual(normalise(normalise(some)), normalise(some))))
})

test('a working copy covers exactly what it holds', () => {
  fc.assert(fc.property(holdings, (has) => assert(covers(has, has, has.cone))))
})

test('join is commutative, idempotent and associative', () => {
  fc.assert(
    fc.property(anyNeeds, anyNeeds, anyNeeds, (a, b, c) => {
      assert.deepEqual(join(a, b), join(b, a))
      assert.deepEqual(join(a, a), normalise(a))
      const [lastingA, lastingB, lastingC] = [lasting(a), lasting(b), lasting(c)]
      assert.deepEqual(join(join(lastingA, lastingB), lastingC), join(lastingA, join(lastingB, lastingC)))
    }),
  )
})

test('what covers a join covers both sides', () => {
  fc.assert(
    fc.property(holdings, anyNeeds, anyNeeds, anyCone, (has, a, b, cone) => {
      fc.pre(covers(has, join(a, b), cone))
      assert(covers(has, a, cone) && covers(has, b, cone))
    }),
  )
})

test('what covers both sides covers the join of their lasting parts', () => {
  fc.assert(
    fc.property(holdings, anyNeeds, anyNeeds, anyCone, (has, a, b, cone) => {
      fc.pre(covers(has, lasting(a), cone) && covers(has, lasting(b), cone))
      assert(covers(has, join(lasting(a), lasting(b)), cone))
    }),
  )
})

const asked: Needs = { history: 1, trees: 'none', blobs: 'none', worktree: 'none', refs: 'asked' }

test('a checkout implies its contents, contents their trees, and trees a commit', () => {
  assert.deepEqual(normalise({ ...asked, history: 0, worktree: 'full' }), {
    history: 1,
    trees: 'tip',
    blobs: 'tip',
    worktree: 'full',
    refs: 'asked',
  })
  assert.equal(normalise({ ...asked, history: 'full', blobs: 'all' }).trees, 'all')
})

test('contents of paths are never taken for granted beyond one generation', () => {
  const has: Has = { ...blank, history: 'full', trees: 'all', blobs: 'tip', tips: ['1'] }
  assert(!covers(has, { ...asked, history: 'full', trees: 'all', blobs: 'paths' }))
  assert(covers(has, { ...asked, trees: 'paths', blobs: 'paths' }))
  assert(covers({ ...has, blobs: 'all' }, { ...asked, history: 'full', trees: 'all', blobs: 'paths' }))
})

test('a cone is covered by its own directories, their parents, and a full checkout', () => {
  const has: Has = { ...blank, history: 1, trees: 'tip', worktree: 'cone', cone: ['src', 'docs/a'], tips: ['1'] }
  const cone: Needs = { ...asked, worktree: 'cone' }
  assert(covers(has, cone, ['src/deep', 'docs/a']))
  assert(!covers(has, cone, ['docs']))
  assert(!covers(has, cone, ['source']))
  assert(!covers(has, cone, []))
  assert(covers({ ...has, blobs: 'tip', worktree: 'full', cone: [] }, cone, ['docs']))
})

test('joined cones hold no directory inside another', () => {
  assert.deepEqual(joinCones(['src/a', 'docs'], ['src', 'src-b']), ['docs', 'src', 'src-b'])
})

test('a worktree serves only the commit it shows', () => {
  const has: Has = { ...blank, history: 'full', trees: 'all', blobs: 'all', worktree: 'full', tips: ['1', '2'] }
  const both = { commits: ['2', '1'], cone: [] }
  assert(serves(has, { ...asked, trees: 'tip' }, both))
  assert(!serves(has, { ...asked, worktree: 'full' }, both))
  assert(!serves(has, asked, { commits: ['3'], cone: [] }))
})
