import type { Needs } from '../git/operation.ts'
import type { RemoteAbilities } from '../git/remote/remote.ts'
import type { Git } from '../git/run-git.ts'
import type { Upstream } from './upstream.ts'

/** A way to a repository's objects, and what can be asked there. */
export interface Connection {
  readonly upstream: Upstream
  readonly abilities: Pick<RemoteAbilities, 'hasFilter' | 'hasShallow'>
}

/** What somebody needs of a repository. */
export interface ImageRequest {
  /** Canonical key of the repository. */
  readonly repo: string
  readonly needs: Needs
  /** Full ids, a worktree's first. */
  readonly commits: readonly string[]
  readonly cone: readonly string[]
  /** What else must be equal for two requests to share one build: who asks, and which contents they will read. */
  readonly sharing: string
  /** Called only where something has to be fetched. */
  readonly connect: (options: { signal: AbortSignal }) => Promise<Connection>
  /** Ids of the file contents that will be read, where `needs.blobs` is `paths`. */
  readonly listBlobs: (git: Git, options: { signal: AbortSignal }) => Promise<readonly string[]>
}
