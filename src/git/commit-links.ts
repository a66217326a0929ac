import type { Git } from './run-git.ts'

/** Tree and parents a commit was made with: in a shallow copy every formatted answer hides the parents of the last one. */
export async function readLinks(
  git: Git,
  commit: string,
  { signal }: { signal: AbortSignal },
): Promise<{ readonly tree: string; readonly parents: readonly string[] }> {
  const { text } = await git('cat-file', { flags: ['-p'], revisions: [commit], commitsOnly: true, signal })
  const header = text.slice(0, text.indexOf('\n\n'))
  const ids = (name: string) => [...header.matchAll(new RegExp(`^${name} ([0-9a-f]+)$`, 'gm'))].map(([, id = '']) => id)
  return { tree: ids('tree')[0] ?? '', parents: ids('parent') }
}
