import { AppError } from '../core/errors.ts'
import type { ExactText } from './bytes.ts'
import type { Git } from './run-git.ts'
import { readTree, treeFlags } from './tree-records.ts'

/**
 * The truth behind git's "no such path": outside of partial clones git says the same of a file whose content is merely missing here.
 */
export async function missingPath(
  git: Git,
  { commit, path, signal, action }: { commit: string; path: ExactText; signal: AbortSignal; action: string },
): Promise<AppError> {
  const request = { flags: treeFlags, revisions: [commit], paths: [path], commitsOnly: true, signal }
  const found = await git.read('ls-tree', request, async (reader) => {
    for await (const entry of readTree(reader)) return entry
    return null
  })
  if (found?.type === 'blob') {
    return new AppError('objects_missing', `Cannot ${action}: its content is missing`, {
      details: { oids: [found.oid] },
    })
  }
  const fact =
    found === null ? 'the path does not exist there' : `it is a ${found.type === 'tree' ? 'directory' : 'submodule'}`
  return new AppError('path_not_found', `Cannot ${action}: ${fact}`, { details: { path } })
}
