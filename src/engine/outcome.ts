import type { Needs } from '../git/operation.ts'
import type { Provided } from '../workspace/images.ts'
import type { Step } from '../workspace/steps.ts'
import type { Tier } from './contract.ts'

/** A value with what it took; what the result cache and single-flight share. */
export interface Outcome {
  readonly value: unknown
  /** `null` where refs alone gave the answer. */
  readonly provided: Provided | null
  readonly warnings: readonly string[]
}

/** What was done for an answer, as its receipt says it. */
export interface Work {
  /** Of the working copy that gave it. */
  readonly history: Needs['history']
  readonly steps: readonly Step[]
  readonly bytesFetched: number
}

/** What served an answer in a fork, which may have been there before it was asked for. */
export function servedBy({ plan: { tier } }: Provided, isWarm: boolean): Tier {
  return tier === 'image' && isWarm ? 'pool' : tier
}

/** The work that providing an image was. */
export function workOf(provided: Provided | null): Work {
  if (provided === null) return { history: 0, steps: [], bytesFetched: 0 }
  const { plan, bytesFetched } = provided
  return { history: plan.result.history, steps: plan.steps, bytesFetched }
}
