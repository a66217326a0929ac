import { hasCode } from '../core/errors.ts'

/**
 * Serves a request again, once, where the world moved between two looks at it: a server no longer hands out what it
 * listed a moment ago, or an image went away before it was forked. The second time nothing remembered is trusted.
 */
export async function withSecondTry<T>(
  maxStalenessMs: number,
  serve: (maxStalenessMs: number) => Promise<T>,
  mayRepeat: () => boolean = () => true,
): Promise<T> {
  try {
    return await serve(maxStalenessMs)
  } catch (error) {
    if (!hasMoved(error) || !mayRepeat()) throw error
    return await serve(0)
  }
}

function hasMoved(error: unknown): boolean {
  if (hasCode(error, 'image_not_found', 'image_incompatible')) return true
  // A revision beyond the history is not found either, and will not be the next time: there no server has said so.
  return hasCode(error, 'commit_not_found') && typeof error.details['said'] === 'string'
}
