import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { covers, lasting, type Has } from '../../src/workspace/needs.ts'
import { plan, planUpgrade } from '../../src/workspace/plan.ts'
import { noFacts } from '../../src/workspace/cost.ts'
import { anyNeeds, repositories } from './arbitraries.ts'
import { assertHolds, emptyClone, execute, type ModelClone, type ModelRepository } from './model-repository.ts'

interface Live {
  readonly has: Has
  readonly clone: ModelClone
}

/** A working copy as it was opened: made from nothing for some needs. */
function opened(
  repository: ModelRepository,
  needs: Has | Parameters<typeof lasting>[0],
  commits: readonly number[],
): Live {
  const ids = commits.map(String)
  const input = { needs, commits: ids, cone: [], candidates: [], remote: repository, facts: noFacts }
  const { steps, result } = plan(input)
  const clone = steps.reduce(
    (before, step) => execute(repository, before, step, { commits, depth: 'full' }),
    emptyClone,
  )
  return { has: result, clone: { ...clone, refs: commits } }
}

function upgraded(
  repository: ModelRepository,
  { has, clone }: Live,
  needs: Parameters<typeof lasting>[0],
  more: readonly number[],
): Live {
  const commits = [...new Set([...has.tips.map(Number), ...more])]
  const asked = { ...lasting(needs), worktree: 'none' } as const
  const input = { needs: asked, commits: commits.map(String), cone: [], remote: repository, facts: noFacts }
  const { steps, result, isAnew } = planUpgrade(input, has)
  assert(covers(result, asked) && covers(result, { ...has, worktree: 'none' }))
  assert.deepEqual([result.worktree, result.cone], [has.worktree, has.cone])
  let after = clone
  for (const step of steps) {
    const isFetchAnew = isAnew && step.kind === 'fetch'
    const made = execute(repository, isFetchAnew ? emptyClone : after, step, { commits, depth: lasting(needs).history })
    after = isFetchAnew
      ? {
          ...made,
          worktree: after.worktree,
          objects: new Set([...made.objects, ...after.objects]),
          commits: new Set([...made.commits, ...after.commits]),
        }
      : made
  }
  return { has: result, clone: { ...after, refs: commits } }
}

test('carried out object by object, upgrades of a working copy bring all that is asked and lose nothing', () => {
  const picks = fc.array(fc.nat(), { minLength: 1, maxLength: 2 })
  const wishes = fc.array(fc.record({ needs: anyNeeds, picks }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(repositories, anyNeeds, wishes, (repository, needs, asked) => {
      const at = (pick: number): number => pick % repository.commits.length
      fc.pre(lasting(needs).history !== 0)
      let live = opened(repository, { ...needs, worktree: 'full' }, [at(0)])
      for (const wish of asked) {
        live = upgraded(repository, live, wish.needs, wish.picks.map(at))
        assertHolds(repository, live.clone, live.has)
      }
    }),
    { numRuns: 1500 },
  )
})
