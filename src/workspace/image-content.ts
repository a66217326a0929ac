import type { ImageRecord } from '../directory/directory.ts'
import type { RepoFacts } from './cost.ts'
import { serves, showsOnly, type Has } from './needs.ts'

/** What an image is recorded with. */
export interface ImageContent {
  readonly has: Has
  readonly layers: number
  /** What was learned of the repository while it was built. */
  readonly facts: RepoFacts
  /** What its checkout leaves out on purpose, in sentences. */
  readonly warnings: readonly string[]
}

/** Of images of one repository, the newest first, those of which no newer one holds everything; pure. */
export function withoutSuperseded(records: readonly ImageRecord<ImageContent>[]): readonly ImageRecord<ImageContent>[] {
  return records.filter((record, index) => !records.slice(0, index).some((newer) => replaces(newer, record)))
}

/** Whether an image holds all that an older one does, so that the older one has nothing to offer. */
function replaces(
  { content: newer }: ImageRecord<ImageContent>,
  { content: older }: ImageRecord<ImageContent>,
): boolean {
  const { worktree, cone, tips } = older.has
  const isAsNarrow = worktree !== 'cone' || showsOnly(newer.has, cone)
  return isAsNarrow && serves(newer.has, older.has, { commits: tips, cone })
}
