import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Needs } from '../../src/git/operation.ts'
import { noFacts, type RepoFacts } from '../../src/workspace/cost.ts'
import { maxLayers, plan, type ImageCandidate, type Plan } from '../../src/workspace/plan.ts'
import { stepText } from '../../src/workspace/step-text.ts'

const nothing: Needs = { history: 1, trees: 'none', blobs: 'none', worktree: 'none', refs: 'asked' }
const able = { hasFilter: true, hasShallow: true }

function firstContact(asked: Partial<Needs>, facts: RepoFacts = noFacts, cone: readonly string[] = []): string[] {
  const input = { needs: { ...nothing, ...asked }, commits: ['c1'], cone, candidates: [], remote: able, facts }
  return plan(input).steps.map(stepText)
}

test('a first contact brings as little as the operation can do with', () => {
  const paths = 'bring missing blobs of the asked paths in one batch'
  assert.deepEqual(firstContact({ history: 20 }), ['fetch 20 generations without trees and file contents'])
  assert.deepEqual(firstContact({ history: 'full' }), ['fetch the whole history without trees and file contents'])
  assert.deepEqual(firstContact({ history: 4, trees: 'all', blobs: 'paths' }), [
    'fetch 4 generations without file contents',
    paths,
  ])
  assert.deepEqual(firstContact({ history: 'full', trees: 'all', blobs: 'paths' }), [
    'fetch the whole history without file contents',
    paths,
  ])
  assert.deepEqual(firstContact({ trees: 'paths', blobs: 'paths' }), ['fetch one commit without file contents', paths])
  assert.deepEqual(firstContact({ blobs: 'tip' }), ['fetch one commit'])
  assert.deepEqual(firstContact({ worktree: 'full' }), ['fetch one commit', 'check out all files'])
  assert.deepEqual(firstContact({ worktree: 'cone' }, noFacts, ['src']), [
    'fetch one commit without file contents',
    'bring missing blobs of src in one batch',
    'check out src',
  ])
})

test('of a repository known to be small a file is read from a plain shallow fetch', () => {
  const small = { ...noFacts, commits: 40, files: 30, packBytes: 60_000, blobBytesAtTip: 50_000 }
  const asked = { trees: 'paths', blobs: 'paths' } as const
  assert.deepEqual(firstContact(asked, small), ['fetch one commit'])
})

test('refs alone need no working copy', () => {
  assert.deepEqual(firstContact({ history: 0 }), [])
})

const shallowImage: ImageCandidate = {
  id: 'shallow',
  has: { ...nothing, trees: 'tip', blobs: 'tip', worktree: 'full', cone: [], tips: ['c1'] },
  layers: 1,
  newer: 0,
}

function withImage(asked: Partial<Needs>, commits: string[], image: Partial<ImageCandidate> = {}): Plan {
  const candidates = [{ ...shallowImage, ...image }]
  return plan({ needs: { ...nothing, ...asked }, commits, cone: [], candidates, remote: able, facts: noFacts })
}

test('an image at the asked commit is forked and nothing else', () => {
  const { steps, tier } = withImage({ worktree: 'full' }, ['c1'])
  assert.deepEqual([steps, tier], [[{ kind: 'fork', image: 'shallow' }], 'image'])
})

test('an image at an older commit is brought up to date by the delta', () => {
  const { steps, tier, result } = withImage({ worktree: 'full' }, ['c2'])
  assert.deepEqual(steps.map(stepText), ['fork image shallow', 'fetch one commit', 'check out all files'])
  assert.deepEqual([tier, result.tips, result.worktree], ['refresh', ['c2'], 'full'])
})

test('whole history is never answered from a shallow image, which is deepened instead', () => {
  const { steps } = withImage({ history: 'full', worktree: 'full' }, ['c1'])
  assert.deepEqual(
    steps.map(({ kind }) => kind),
    ['fork', 'fetch'],
  )
  assert(steps.some((step) => step.kind === 'fetch' && step.depth === 'full'))
})

test('an image with too many layers is forked but not built upon', () => {
  assert.equal(withImage({ worktree: 'full' }, ['c1'], { layers: maxLayers }).tier, 'image')
  assert.equal(withImage({ worktree: 'full' }, ['c2'], { layers: maxLayers }).tier, 'clone')
})

test('of several images the newest is refreshed, and once it has too many layers no older one is', () => {
  const stack = (layers: number): ImageCandidate[] =>
    Array.from({ length: layers }, (_, newer) => ({
      ...shallowImage,
      id: `i${layers - newer}`,
      has: { ...shallowImage.has, tips: [`c${layers - newer}`] },
      layers: layers - newer,
      newer,
    }))
  const asked = { needs: { ...nothing, worktree: 'full' }, cone: [], remote: able, facts: noFacts } as const
  const young = plan({ ...asked, commits: ['new'], candidates: stack(maxLayers - 1) })
  assert.deepEqual([young.tier, young.base], ['refresh', `i${maxLayers - 1}`])
  const grown = plan({ ...asked, commits: ['new'], candidates: stack(maxLayers) })
  assert.deepEqual([grown.tier, grown.base], ['clone', null])
})

test('an image without file contents is brought up to date without deltas to what it lacks', () => {
  const has = { ...shallowImage.has, history: 'full', trees: 'all', blobs: 'none', worktree: 'none' } as const
  const { steps, tier } = withImage({ history: 'full', trees: 'all', blobs: 'tip' }, ['c2'], { has })
  const filters = steps.flatMap((step) => (step.kind === 'fetch' ? [step.filter] : []))
  assert.deepEqual([tier, filters], ['refresh', ['blob:none']])
})
