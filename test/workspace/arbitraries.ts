import fc from 'fast-check'
import type { Needs } from '../../src/git/operation.ts'
import type { RepoFacts } from '../../src/workspace/cost.ts'
import type { Has } from '../../src/workspace/needs.ts'
import { lasting } from '../../src/workspace/needs.ts'
import type { ModelRepository } from './model-repository.ts'

const history: fc.Arbitrary<Needs['history']> = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant('full' as const))

/** Any needs an operation could declare. */
export const anyNeeds: fc.Arbitrary<Needs> = fc.record({
  history,
  trees: fc.constantFrom('none', 'paths', 'tip', 'all'),
  blobs: fc.constantFrom('none', 'paths', 'tip', 'all'),
  worktree: fc.constantFrom('none', 'cone', 'full'),
  refs: fc.constantFrom('asked', 'tags'),
})

/** Cones over the folders of the model repository; empty is everything. */
export const anyCone: fc.Arbitrary<readonly string[]> = fc.constantFrom([], ['a'], ['b'], ['a', 'b'])

/** What some working copy holds. */
export const holdings: fc.Arbitrary<Has> = fc.tuple(anyNeeds, anyCone).map(([some, cone]) => ({
  ...lasting({ ...some, worktree: cone.length === 0 && some.worktree === 'cone' ? 'full' : some.worktree }),
  cone: some.worktree === 'cone' ? cone : [],
  tips: ['1'],
}))

const commit = (index: number) =>
  fc.record({
    parents: index === 0 ? fc.constant([]) : fc.uniqueArray(fc.nat(index - 1), { minLength: 0, maxLength: 2 }),
    a: fc.nat(3),
    b: fc.nat(3),
  })

/** Histories of up to a dozen commits with merges, several roots and returning contents. */
export const repositories: fc.Arbitrary<ModelRepository> = fc.record({
  commits: fc
    .integer({ min: 1, max: 12 })
    .chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => commit(i)))),
  omitsReachable: fc.boolean(),
  hasFilter: fc.boolean(),
  hasShallow: fc.boolean(),
})

const known = (max: number) => fc.option(fc.integer({ min: 1, max }), { nil: null })

/** From nothing known to all, small to huge, so that every kind of plan is the cheapest once. */
export const anyFacts: fc.Arbitrary<RepoFacts> = fc.record({
  commits: known(1_000_000),
  files: known(100_000),
  packBytes: known(2_000_000_000),
  blobBytesAtTip: known(1_000_000_000),
  fetchMs: known(2000),
  bytesPerMs: known(100_000),
  checkoutMsPerFile: known(2),
})
