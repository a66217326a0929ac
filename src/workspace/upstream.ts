import type { Progress } from '../core/progress.ts'
import type { Sandbox } from '../sandbox/contract.ts'
import type { Filter } from './steps.ts'
import type { PlaceOptions } from './place.ts'
import type { RepositoryState } from './repository-files.ts'

/** Where objects come from: a server, or the caller's own repository. */
export interface Upstream {
  /** Canonical address without credential. */
  readonly url: string
  readonly objectFormat: 'sha1' | 'sha256'
  /** Brings objects into a sandbox, which may still be in the making, and says there where the history ends now. */
  bring(wish: Wish, place: Promise<Sandbox>, options: BringOptions): Promise<Brought>
}

export interface Brought {
  /** Of packs. */
  readonly bytes: number
  /** Whether the history now goes back to its beginnings; never for `exact`. */
  readonly isWhole: boolean
}

/** What is to be brought, and what is there. */
export interface Wish {
  /** What is there already; `null` for nothing that the remote could leave out. */
  readonly base: Base | null
  /** Whether there is no repository yet in which to bring it. */
  readonly isFirst: boolean
  readonly wants: readonly string[]
  /** Generations; `exact` for the wanted objects alone, whatever kind they are. */
  readonly depth: number | 'full' | 'exact'
  readonly filter: Filter
  /** What a repository that is made for it says of itself. */
  readonly state: RepositoryState
}

export interface Base {
  readonly tips: readonly string[]
  readonly isShallow: boolean
}

export interface BringOptions extends PlaceOptions {
  readonly onProgress: (progress: Progress) => void
}
