import type { Needs } from '../git/operation.ts'
import type { ImageRequest } from '../workspace/image-request.ts'
import type { Repository } from './repositories.ts'

/** A copy of a repository that somebody will work with. */
export interface WantedCopy {
  readonly repository: Repository
  /** Full ids, a worktree's first. */
  readonly commits: readonly string[]
  /** What is found there when the whole of it is checked out. */
  readonly needs: Needs
  /** Directories that are checked out; all where there are none. */
  readonly cone: readonly string[]
}

/** What to ask of the images for a copy whose reader is not known beforehand; pure. */
export function wantedImage({ repository, commits, needs, cone }: WantedCopy): ImageRequest {
  return {
    repo: repository.key,
    sharing: repository.scope,
    connect: repository.connect,
    // The files of a cone are all that is checked out; others are brought when an operation reads them.
    needs: cone.length === 0 ? needs : { ...needs, blobs: 'none', worktree: 'cone' },
    commits,
    cone,
    listBlobs: async () => [],
  }
}
