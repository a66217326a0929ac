import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Needs } from '../../src/git/operation.ts'
import type { RepoFacts } from '../../src/workspace/cost.ts'
import { blank, covers, join, joinCones, lasting, type Has } from '../../src/workspace/needs.ts'
import { maxLayers, plan, type ImageCandidate, type Plan, type PlanInput } from '../../src/workspace/plan.ts'
import { stepText } from '../../src/workspace/step-text.ts'
import { aim, apply, type Step } from '../../src/workspace/steps.ts'
import { anyCone, anyFacts, anyNeeds, repositories } from './arbitraries.ts'
import {
  assertHolds,
  blobsOf,
  emptyClone,
  execute,
  within,
  type ModelClone,
  type ModelRepository,
} from './model-repository.ts'

interface Request {
  readonly needs: Needs
  readonly cone: readonly string[]
  readonly picks: readonly number[]
  readonly facts: RepoFacts
  readonly layers: number
  readonly newer: number
}

const requests: fc.Arbitrary<Request[]> = fc.array(
  fc.record({
    needs: anyNeeds,
    cone: anyCone,
    picks: fc.array(fc.nat(), { minLength: 1, maxLength: 2 }),
    facts: anyFacts,
    layers: fc.integer({ min: 1, max: maxLayers + 1 }),
    newer: fc.nat({ max: 5 }),
  }),
  { minLength: 1, maxLength: 6 },
)

interface Made {
  readonly image: ImageCandidate
  readonly clone: ModelClone
}

interface Round {
  readonly input: PlanInput
  readonly made: Plan
  readonly base: ImageCandidate | undefined
}

/** Plans and carries out the requests in turn, each with the images the earlier ones left, and shows each round. */
function* play(repository: ModelRepository, asked: readonly Request[]): Generator<Round> {
  const images: Made[] = []
  for (const { needs, cone, picks, facts, layers, newer } of asked) {
    const commits = [...new Set(picks.map((pick) => pick % repository.commits.length))]
    const input: PlanInput = {
      needs,
      cone,
      commits: commits.map(String),
      candidates: images.map(({ image }) => image),
      remote: repository,
      facts,
    }
    const made = plan(input)
    const base = images.find(({ image }) => image.id === made.base)
    let clone = base?.clone ?? emptyClone
    // The contents an operation reads can only be those whose trees it asked for.
    const { history, trees } = lasting(needs)
    const depth = trees === 'all' ? history : 1
    for (const step of made.steps) clone = execute(repository, clone, step, { commits, depth })
    clone = { ...clone, refs: made.result.tips.map(Number) }
    assertHolds(repository, clone, made.result)
    assertAnswers(repository, clone, input, depth)
    yield { input, made, base: base?.image }
    if (made.tier !== 'image') {
      images.push({ image: { id: `i${images.length}`, has: made.result, layers, newer }, clone })
    }
  }
}

/** The operation finds all it asked for, seen object by object. */
function assertAnswers(
  repository: ModelRepository,
  clone: ModelClone,
  { needs, commits, cone }: PlanInput,
  depth: Needs['history'],
): void {
  const required = lasting(needs)
  if (required.history === 0) return
  const worktree = required.worktree === 'cone' && cone.length === 0 ? 'full' : required.worktree
  assertHolds(repository, { ...clone, worktree: null }, { ...required, worktree: 'none', cone: [], tips: commits })
  if (worktree !== 'none') {
    const folders = worktree === 'full' ? ['a', 'b'] : cone
    assert.equal(clone.worktree?.commit, Number(commits[0]))
    for (const folder of folders) assert(clone.worktree.folders.includes(folder), `${folder} is checked out`)
  }
  if (needs.blobs !== 'paths') return
  for (const commit of within(repository, commits.map(Number), depth).keys()) {
    for (const id of blobsOf(repository, commit, 'a')) assert(clone.objects.has(id), `${id} of ${commit} for paths`)
  }
}

test('carried out object by object, every plan holds what it says and all its operation needs', () => {
  fc.assert(
    fc.property(repositories, requests, (repository, asked) => {
      for (const { input, made } of play(repository, asked)) {
        if (lasting(input.needs).history !== 0) assert(covers(made.result, lasting(input.needs), made.result.cone))
      }
    }),
    { numRuns: 1500 },
  )
})

test('a cone is checked out as it was asked for, whatever images there are', () => {
  fc.assert(
    fc.property(repositories, requests, (repository, asked) => {
      for (const { input, made } of play(repository, asked)) {
        const isAsked = lasting(input.needs).history !== 0 && input.needs.worktree === 'cone' && input.cone.length > 0
        if (isAsked) assert.deepEqual(made.result.cone, joinCones(input.cone, []))
      }
    }),
    { numRuns: 1500 },
  )
})

test('a plan never costs more than cloning anew', () => {
  fc.assert(
    fc.property(repositories, requests, (repository, asked) => {
      for (const { input, made } of play(repository, asked)) {
        assert(made.cost.ms <= plan({ ...input, candidates: [] }).cost.ms)
      }
    }),
  )
})

test('an upgrade keeps for the tips it still serves all that its image held', () => {
  fc.assert(
    fc.property(repositories, requests, (repository, asked) => {
      for (const { made, base } of play(repository, asked)) {
        if (base === undefined) continue
        assert(covers(made.result, { ...base.has, refs: 'asked' }, base.has.cone))
      }
    }),
  )
})

test('no step of a plan can be left out', () => {
  fc.assert(
    fc.property(repositories, requests, (repository, asked) => {
      for (const { input, made, base } of play(repository, asked)) {
        const isWhole = input.needs.worktree === 'cone' && input.cone.length === 0
        const needs = { ...input.needs, worktree: isWhole ? 'full' : input.needs.worktree } as const
        const goal = lasting(made.tier === 'image' ? needs : join(needs, base?.has ?? blank))
        for (const left of made.steps.filter(isProvablyNeeded)) {
          const has = without(left, made.steps, base?.has ?? blank, input.commits)
          const isServed = input.commits.every((id) => has.tips.includes(id))
          assert(!isServed || !covers(has, { ...goal, refs: 'asked' }, made.result.cone), stepText(left))
        }
      }
    }),
  )
})

/** What comes of a fork is its cost; whether a batch for paths brings anything is only seen when it runs. */
function isProvablyNeeded(step: Step): boolean {
  return step.kind === 'backfill' ? step.extent === 'tip' || step.extent === 'all' : step.kind !== 'fork'
}

function without(left: Step, steps: readonly Step[], start: Has, commits: readonly string[]): Has {
  const there = commits.filter((id) => start.tips.includes(id))
  const aimed = there.length === 0 ? start : aim(start, there)
  return steps.filter((step) => step !== left).reduce((has, step) => apply(has, step, commits), aimed)
}

test('the order in which images are listed does not matter', () => {
  fc.assert(
    fc.property(repositories, requests, (repository, asked) => {
      for (const { input, made } of play(repository, asked)) {
        assert.deepEqual(plan({ ...input, candidates: input.candidates.toReversed() }), made)
      }
    }),
  )
})
