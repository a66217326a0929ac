import { AppError } from '../../core/errors.ts'
import type { Ref } from '../ref.ts'
import { printable } from './printable.ts'
import { isFullId, isRefName } from './ref-name.ts'
import type { Remote } from './remote.ts'

/** What a caller's `ref` stands for. */
export interface ResolvedRef {
  /** Full name of the branch or tag; `null` for an id and for a HEAD on no branch. */
  readonly ref: string | null
  /** What the ref holds: an annotated tag's own id, or the commit. */
  readonly oid: string
  /** The commit, tags peeled. Only a fetch can tell that a tag leads to something else. */
  readonly commit: string
}

/** The ref prefixes to ask a remote for, few enough to stay cheap in huge repositories; throws `ref_invalid`. */
export function prefixesFor(ref: string): readonly string[] {
  return candidates(ref) ?? ['HEAD']
}

/** Finds a ref in a remote's answer to `prefixesFor`; a full id is taken as it is. */
export function resolveRef(
  ref: string,
  refs: readonly Ref[],
  { objectFormat }: { readonly objectFormat: 'sha1' | 'sha256' },
): ResolvedRef {
  const names = candidates(ref)
  if (names === null) {
    const oid = ref.toLowerCase()
    if (oid.length === (objectFormat === 'sha1' ? 40 : 64)) return { ref: null, oid, commit: oid }
    throw new AppError('commit_not_found', `Cannot resolve "${ref}": the repository uses ${objectFormat} ids`)
  }
  const [found, other] = refs.filter(({ name }) => names.includes(name))
  if (found === undefined) throw notFound(ref, [])
  if (other !== undefined && other.name !== found.name) {
    const details = { ref, names: [found.name, other.name] }
    throw new AppError('ref_ambiguous', `Cannot resolve "${ref}": a branch and a tag have this name`, { details })
  }
  const { name, oid, peeled, symref } = found
  return { ref: name === 'HEAD' ? symref : name, oid, commit: peeled }
}

/** Asks a remote what a ref stands for; where nothing is found, a second question tells an empty repository from a wrong name. */
export async function lookUpRef(
  remote: Remote,
  ref: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<ResolvedRef> {
  const prefixes = prefixesFor(ref)
  const refs = await remote.lsRefs({ prefixes, signal })
  // Only an id needs to be told apart from one of another format; a name is as good as the answer.
  const objectFormat = isFullId(ref) ? (await remote.abilities({ signal })).objectFormat : 'sha1'
  try {
    return resolveRef(ref, refs, { objectFormat })
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'ref_not_found') throw error
    const existing = await remote.lsRefs({ prefixes: ['refs/heads/', 'refs/tags/'], signal })
    if (existing.length === 0) throw new AppError('repo_empty', 'Cannot resolve a ref: the repository has no commits')
    throw notFound(ref, closeNames(ref, existing))
  }
}

/** Full names that `ref` may mean; `null` for a full id. */
function candidates(ref: string): readonly string[] | null {
  if (ref === 'HEAD') return ['HEAD']
  if (isFullId(ref)) return null
  const isFullName = ref.startsWith('refs/')
  if (ref.startsWith('-') || ref.length > 1024 || !isRefName(isFullName ? ref : `refs/heads/${ref}`)) {
    throw new AppError('ref_invalid', `Cannot use "${printable(ref, 100)}" as a ref: git allows no such name`)
  }
  return isFullName ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`]
}

function notFound(ref: string, close: readonly string[]): AppError {
  const fact = ref === 'HEAD' ? 'it names a branch that does not exist' : 'there is no such branch or tag'
  return new AppError('ref_not_found', `Cannot resolve "${ref}": ${fact}`, { details: { ref, close } })
}

/** Up to five short names that a slip of the pen may have turned into `ref`. */
function closeNames(ref: string, refs: readonly Ref[]): readonly string[] {
  const wanted = shortName(ref).toLowerCase()
  return refs
    .slice(0, 10_000)
    .map(({ name }) => shortName(name))
    .filter((name) => isClose(name.toLowerCase(), wanted))
    .slice(0, 5)
}

function shortName(name: string): string {
  return name.replace(/^refs\/(?:heads|tags)\//, '')
}

/** Whether one contains the other, or they differ in one place or in the order of their letters only. */
function isClose(a: string, b: string): boolean {
  if (a.length === b.length && sortedLetters(a) === sortedLetters(b)) return true
  if (a.includes(b) || (a.length > 2 && b.includes(a))) return true
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  if (long.length - short.length > 1) return false
  let start = 0
  while (start < short.length && short[start] === long[start]) start += 1
  const same = short.length === long.length
  return short.slice(same ? start + 1 : start) === long.slice(start + 1)
}

function sortedLetters(text: string): string {
  return text.split('').toSorted().join('')
}
