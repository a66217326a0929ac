import type { Ref } from '../git/ref.ts'
import { readHead } from '../git/head.ts'
import { isOid } from '../git/revision.ts'
import type { Git } from '../git/run-git.ts'

const format = ['%(refname)', '%(objectname)', '%(*objectname)', '%(symref)'].map((field) => `${field}%00`).join('')

/** Refs under a prefix as a workspace has them, `HEAD` included where the prefix allows it. */
export async function refsIn(git: Git, prefix: string, { signal }: { signal: AbortSignal }): Promise<readonly Ref[]> {
  const head = 'HEAD'.startsWith(prefix) ? await headRef(git, signal) : []
  if (prefix === 'HEAD') return head
  const flags = [`--format=${format}`]
  const { text } = await git('for-each-ref', { flags, operands: prefix === '' ? [] : [prefix], signal })
  const listed = text
    .split('\n')
    .map((line) => line.split('\0'))
    .filter(([name = '', oid = '']) => name.startsWith(prefix) && isOid(oid))
    .map(([name = '', oid = '', peeled = '', symref = '']) => ({
      name,
      oid,
      peeled: isOid(peeled) ? peeled : oid,
      symref: symref === '' ? null : symref,
    }))
  return [...head, ...listed]
}

async function headRef(git: Git, signal: AbortSignal): Promise<readonly Ref[]> {
  const { commit, branch } = await readHead(git, { signal })
  if (commit === null) return []
  return [{ name: 'HEAD', oid: commit, peeled: commit, symref: branch === null ? null : `refs/heads/${branch}` }]
}
