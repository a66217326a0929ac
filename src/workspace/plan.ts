/** One thing to do on the way from what a working copy has to what an operation needs. */
export type Step =
  | { readonly kind: 'fork'; readonly image: string }
  | { readonly kind: 'fetch'; readonly depth: number | 'full'; readonly filter: 'none' | 'blob:none' | 'tree:0' }
  | { readonly kind: 'backfill'; readonly what: 'trees' | 'blobs' }
  | { readonly kind: 'checkout'; readonly cone: readonly string[] }

/** Expected cost; `basis` says whether it was measured on this repository or is a default. */
export interface Cost {
  readonly ms: number
  readonly bytes: number
  readonly basis: 'measured' | 'estimated'
}
