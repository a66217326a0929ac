import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { pathTree } from '../../src/git/path-tree.ts'

test('what lies above and below is what names say', () => {
  const path = fc.array(fc.constantFrom('a', 'b', ' '), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
  fc.assert(
    fc.property(fc.array(path, { maxLength: 5 }), path, (added, asked) => {
      const tree = pathTree()
      for (const each of added) tree.add(each)
      assert.equal(
        tree.covers(asked),
        added.some((each) => each === asked || asked.startsWith(`${each}/`)),
      )
      assert.equal(
        tree.leadsTo(asked),
        added.some((each) => each.startsWith(`${asked}/`)),
      )
    }),
  )
})

test('a path of very many directories costs what it is long, and too many of them are refused', () => {
  const deep = 'a/'.repeat(200_000)
  const tree = pathTree()
  tree.add(`${deep}b`)
  assert.equal(tree.covers(`${deep}b/c`), true)
  assert.equal(tree.leadsTo(deep.slice(0, -1)), true)
  assert.equal(tree.covers(deep), false)
  assert.throws(() => tree.add(`b/${deep}${deep}`), { code: 'output_limit' })
})
