import { AppError, hasCode } from '../../core/errors.ts'
import { runHostCommand } from './host-command.ts'
import type { StateDir } from './state-dir.ts'

/**
 * Deletes a tree below the state directory that a sandbox may have written. `rm` follows no link and copes with any
 * depth, which fs.rm does not; it runs as the sandboxes' user, so it can reach nothing that user could not.
 */
export async function removeTree(state: StateDir, path: string): Promise<void> {
  // A directory without write permission keeps its entries from a user who is not root.
  const script =
    'rm -rf --one-file-system -- "$1" 2>/dev/null || { [ -L "$1" ] || chmod -R u+rwX -- "$1"; rm -rf --one-file-system -- "$1"; }'
  const { code } = await runHostCommand(['/bin/sh', '-c', script, 'remove', `${state.path}/${path}`], state.becomes)
  if (code !== 0) throw new AppError('internal', `Cannot delete ${path}: rm failed with ${String(code)}`)
}

/** Deletes what no record speaks of. What resists, planted by another user, stays: nobody uses it, and it must not stop us. */
export async function removeStray(state: StateDir, path: string): Promise<void> {
  await removeTree(state, path).catch((error: unknown) => {
    if (!hasCode(error, 'internal')) throw error
  })
}
