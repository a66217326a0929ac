import type { Provided } from '../workspace/images.ts'

/** A value with what it took; what the result cache and single-flight share. */
export interface Outcome {
  readonly value: unknown
  /** `null` where refs alone gave the answer. */
  readonly provided: Provided | null
  readonly warnings: readonly string[]
}
