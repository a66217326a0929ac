import { AppError } from '../core/errors.ts'
import { readRefs, type LocalRef } from './local-refs.ts'
import { isOid, parseRevision } from './revision.ts'
import type { Git } from './run-git.ts'

/** What a name given by people means in the repository git runs in. */
export type Found =
  | { readonly kind: 'branch'; readonly name: string; readonly commit: string }
  /** A branch of origin without a local one of its name. */
  | { readonly kind: 'origin'; readonly name: string; readonly commit: string }
  /** A tag, an id, or what steps lead to. */
  | { readonly kind: 'commit'; readonly commit: string }

interface Search {
  readonly action: string
  readonly signal: AbortSignal
}

/** Finds a branch, a branch of origin, a tag, a full or abbreviated commit id, or what `~n` and `^n` lead to from there. */
export async function findRevision(git: Git, text: string, search: Search): Promise<Found> {
  const { ref: name, steps } = parseRevision(text)
  const ref = isOid(name) ? null : await findRef(git, name, search)
  if (ref !== null && steps === '') {
    const commit = ref.commit ?? (await peel(git, `${ref.oid}^{commit}`, search.signal))
    if (commit === null) throw notFound('commit_not_found', text, 'it does not lead to a commit', search)
    const short = ref.name.replace(/^refs\/(?:heads|remotes\/origin)\//, '')
    if (ref.name.startsWith('refs/heads/')) return { kind: 'branch', name: short, commit }
    // The full name of another ref asks for its commit, not for a branch.
    if (ref.name.startsWith('refs/remotes/') && name !== ref.name) return { kind: 'origin', name: short, commit }
    return { kind: 'commit', commit }
  }
  const commit = await peel(git, `${ref?.oid ?? name}${steps}^{commit}`, search.signal)
  if (commit !== null) return { kind: 'commit', commit }
  if (ref === null && !isOid(name) && (await peel(git, `${name}^{commit}`, search.signal)) === null) {
    if (await isAmbiguousId(git, name, search.signal)) {
      throw notFound('ref_ambiguous', text, 'more than one object has an id that begins so', search)
    }
    throw notFound('ref_not_found', text, 'there is no branch, tag or commit of that name', search)
  }
  const fact = steps === '' ? 'there is no such commit here' : 'the history is not that long'
  throw notFound('commit_not_found', text, fact, search)
}

async function findRef(git: Git, name: string, search: Search): Promise<LocalRef | null> {
  if (name === 'HEAD') return null
  if (name.startsWith('refs/')) return (await readRefs(git, [name], search)).get(name) ?? null
  const [branch, tag, origin] = [`refs/heads/${name}`, `refs/tags/${name}`, `refs/remotes/origin/${name}`]
  const refs = await readRefs(git, [branch, tag, origin], search)
  const [first, second] = [refs.get(branch) ?? refs.get(origin), refs.get(tag)]
  if (first !== undefined && second !== undefined) {
    throw new AppError('ref_ambiguous', `Cannot ${search.action}: a branch and a tag have this name`, {
      details: { name, refs: [first.name, second.name] },
    })
  }
  return first ?? second ?? null
}

async function peel(git: Git, expression: string, signal: AbortSignal): Promise<string | null> {
  const request = { flags: ['--verify', '--quiet'], operands: [expression], okExitCodes: [0, 1, 128], signal }
  const { text } = await git('rev-parse', request)
  return isOid(text.trim()) ? text.trim() : null
}

async function isAmbiguousId(git: Git, name: string, signal: AbortSignal): Promise<boolean> {
  if (!/^[0-9a-f]{4,63}$/.test(name)) return false
  const { text } = await git('rev-parse', { flags: [`--disambiguate=${name}`], signal })
  return text.split('\n').filter((id) => isOid(id)).length > 1
}

function notFound(
  code: 'ref_not_found' | 'ref_ambiguous' | 'commit_not_found',
  text: string,
  fact: string,
  search: Search,
): AppError {
  return new AppError(code, `Cannot ${search.action}: ${fact}`, { details: { revision: text.slice(0, 200) } })
}
