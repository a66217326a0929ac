import type { Running } from '../core/exec.ts'
import type { Progress } from '../core/progress.ts'
import type { Needs } from '../git/operation.ts'
import type { Cost } from '../workspace/cost.ts'
import type { Step } from '../workspace/steps.ts'

/** The one place where parts meet; the same interface in process and over HTTP. */
export interface Engine {
  /** Runs a named operation; `input` holds its own fields and the common ones (`repo`, `ref`, `maxStalenessMs`, `deadlineMs`). */
  run(name: string, input: unknown, options?: RequestOptions): Promise<Answer<unknown>>
  /** Runs a program in a throw-away fork of a repository. */
  exec(input: unknown, options?: RequestOptions): Promise<Execution>
  /** What `run` would do and cost, without doing it. */
  explain(name: string, input: unknown, options?: RequestOptions): Promise<Explanation>
  /** Makes the image for a ref ready, durable on disk when it returns. */
  warm(input: unknown, options?: RequestOptions): Promise<Answer<WarmImage>>
  images(): Promise<readonly ImageSummary[]>
  /** Removes an image by id; throws `image_not_found`. */
  drop(imageId: string): Promise<void>
  close(): Promise<void>
}

export interface RequestOptions {
  readonly signal?: AbortSignal
  /** Value of an Authorization header for the upstream, `Basic …`; wins over configured credentials. */
  readonly gitAuthorization?: string
  /** Called with git's own counters while long work runs. */
  readonly onProgress?: (progress: Progress) => void
}

export interface Answer<Value> {
  readonly value: Value
  readonly receipt: Receipt
}

/** How an answer came to be. */
export interface Receipt {
  readonly repo: string
  readonly ref: string
  readonly commit: string
  readonly history: number | 'full'
  /** Age of the knowledge that `ref` is `commit`, in milliseconds; 0 = asked for this request. */
  readonly stalenessMs: number
  readonly driver: string
  readonly tier: Tier
  /** The steps taken, in words. */
  readonly plan: readonly string[]
  readonly bytesFetched: number
  readonly phases: readonly { readonly name: string; readonly ms: number }[]
  readonly warnings: readonly string[]
  readonly correlationId: string
}

/** What served the answer, the cheapest first. */
export type Tier = 'result' | 'workspace' | 'pool' | 'image' | 'refresh' | 'clone'

/** A program under way in a fork. */
export interface Execution {
  readonly running: Running
  /** Settles once the fork is gone. */
  readonly receipt: Promise<Receipt>
}

export interface Explanation {
  readonly needs: Needs
  /** What the chosen image holds; `null` where none exists yet. */
  readonly has: Needs | null
  readonly steps: readonly Step[]
  readonly cost: Cost
}

export interface ImageSummary {
  readonly id: string
  readonly repo: string
  readonly tips: readonly string[]
  readonly has: Needs
  readonly cone: readonly string[]
  /** What its newest layer takes on disk; `null` until it was weighed. */
  readonly bytes: number | null
  readonly layers: number
  readonly createdAt: string
}

export interface WarmImage {
  readonly id: string
  readonly commit: string
  readonly bytes: number | null
}
