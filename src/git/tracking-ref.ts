import type { ResolvedRef } from './remote/resolve-ref.ts'
import { isOid } from './revision.ts'
import type { Git } from './run-git.ts'

const heads = 'refs/heads/'

/** Lets the ref that stands for a branch or tag of the upstream say what was found there; a commit has none. */
export async function moveTrackingRef(
  git: Git,
  { ref, oid }: Pick<ResolvedRef, 'ref' | 'oid'>,
  { signal }: { signal: AbortSignal },
): Promise<{ readonly tracking: string | null; readonly previous: string | null }> {
  const tracking = trackingRefOf(ref)
  if (tracking === null) return { tracking, previous: null }
  const flags = ['--verify', '--quiet']
  const { text } = await git('rev-parse', { flags, operands: [tracking], okExitCodes: [0, 1], signal })
  await git('update-ref', { flags: ['--stdin', '-z'], stdin: `update ${tracking}\0${oid}\0\0`, signal })
  return { tracking, previous: isOid(text.trim()) ? text.trim() : null }
}

/** Where a branch of the upstream is remembered, and a tag under its own name. */
export function trackingRefOf(ref: string | null): string | null {
  if (ref?.startsWith(heads) === true) return `refs/remotes/origin/${ref.slice(heads.length)}`
  return ref?.startsWith('refs/tags/') === true ? ref : null
}
