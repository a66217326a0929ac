import { pathTree } from './path-tree.ts'
import { unquoteName } from './quote.ts'
import type { Git } from './run-git.ts'

/** Whether a path is checked out, by the directories a worktree is restricted to. */
export type IsShown = (path: { readonly path: Buffer }) => boolean

const everything: IsShown = () => true

/** What the worktree shows: files of the root, of and below the cone's directories, and right in those above them. */
export async function readCone(git: Git, { signal }: { signal: AbortSignal }): Promise<IsShown> {
  // Exit code 1 means "not set"; 128 that it is no boolean, or that the worktree is not restricted.
  const codes = { okExitCodes: [0, 1, 128], signal }
  const isCone = { flags: ['--type=bool', '--get'], operands: ['core.sparseCheckoutCone'], ...codes }
  if ((await git('config', isCone)).text.trim() !== 'true') return everything
  const { stdout, exitCode } = await git('sparse-checkout', { operands: ['list'], ...codes })
  if (exitCode !== 0) return everything
  const directories = linesOf(stdout).map((line) => unquoteName(line).toString('latin1'))
  // Patterns that make no cone are listed as they are.
  if (directories.some((directory) => /^[/!]|[*?[\\]/.test(directory))) return everything
  const cone = pathTree()
  for (const directory of directories) cone.add(directory)
  return ({ path }) => {
    const name = path.toString('latin1')
    const directory = name.slice(0, Math.max(name.lastIndexOf('/'), 0))
    return directory === '' || cone.covers(directory) || cone.leadsTo(directory)
  }
}

function linesOf(text: Buffer): readonly Buffer[] {
  return text
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Buffer.from(line, 'latin1'))
}
