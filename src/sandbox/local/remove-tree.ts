import { AppError, hasCode } from '../../core/errors.ts'
import type { HostTool } from './host-command.ts'

/**
 * Deletes a tree that a sandbox may have written. `rm` follows no link and copes with any depth, which fs.rm does not;
 * run as the sandboxes' user, it can reach nothing that user could not.
 */
export async function removeTree(tool: HostTool, path: string): Promise<void> {
  const remove = ['/bin/rm', '-rf', '--one-file-system', '--', path]
  if ((await tool(remove)).code === 0) return
  // A directory without write permission keeps its entries from a user who is not root.
  await tool(['/bin/sh', '-c', '[ -L "$1" ] || chmod -R u+rwX -- "$1"', 'open', path])
  const { code } = await tool(remove)
  if (code !== 0) throw new AppError('internal', `Cannot delete ${path}: rm failed with ${String(code)}`)
}

/** Deletes what no record speaks of. What resists, planted by another user, stays: nobody uses it, and it must not stop us. */
export async function removeStray(tool: HostTool, path: string): Promise<void> {
  await removeTree(tool, path).catch((error: unknown) => {
    if (!hasCode(error, 'internal')) throw error
  })
}
