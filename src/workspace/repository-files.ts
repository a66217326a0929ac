import type { TarEntry } from './tar.ts'

/** What a working copy's git directory says besides its objects. */
export interface RepositoryState {
  readonly objectFormat: 'sha1' | 'sha256'
  /** Canonical address without credential. */
  readonly url: string
  /** Commits that must stay reachable, HEAD's first. */
  readonly tips: readonly string[]
  /** Whether objects are missing on purpose, so that git must not take that for damage. */
  readonly hasGaps: boolean
}

/** Everything of an empty repository, for a blank sandbox. */
export function blankRepository(state: RepositoryState): readonly TarEntry[] {
  const directories = ['', '/objects', '/objects/pack', '/refs', '/refs/heads', '/refs/tags', '/info'].map(
    (name) => `.git${name}`,
  )
  return [...directories.map((path) => ({ path, content: null })), ...repositoryState(state)]
}

/** The files that change when a working copy comes to serve other tips: HEAD is detached at the first. */
export function repositoryState(state: RepositoryState): readonly TarEntry[] {
  const [head = ''] = state.tips
  return [
    { path: '.git/HEAD', content: head === '' ? 'ref: refs/heads/main\n' : `${head}\n` },
    { path: '.git/config', content: config(state) },
    { path: '.git/packed-refs', content: packedRefs(state.tips) },
  ]
}

function config({ objectFormat, url, hasGaps }: RepositoryState): string {
  const extensions = [
    ...(objectFormat === 'sha256' ? ['\tobjectFormat = sha256'] : []),
    ...(hasGaps ? ['\tpartialClone = origin'] : []),
  ]
  return [
    '[core]',
    `\trepositoryFormatVersion = ${extensions.length > 0 ? 1 : 0}`,
    '\tfileMode = true',
    '\tbare = false',
    '\tlogAllRefUpdates = true',
    ...(extensions.length > 0 ? ['[extensions]', ...extensions] : []),
    '[remote "origin"]',
    `\turl = ${quoted(url)}`,
    '\tfetch = +refs/heads/*:refs/remotes/origin/*',
    ...(hasGaps ? ['\tpromisor = true', '\tpartialCloneFilter = blob:none'] : []),
    '',
  ].join('\n')
}

/** Refs of our own keep the tips alive; in one file, names may have any length. */
function packedRefs(tips: readonly string[], more: Readonly<Record<string, string>> = {}): string {
  const refs = { ...Object.fromEntries(tips.map((oid) => [`refs/forkyard/${oid}`, oid])), ...more }
  const names = Object.keys(refs).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return `# pack-refs with: sorted\n${names.map((name) => `${refs[name]} ${name}\n`).join('')}`
}

function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, String.raw`\$&`)}"`
}

/** A ref as it was resolved: its full name (`null` for an id), what it holds, and the commit it leads to. */
interface OpenedAt {
  readonly ref: string | null
  readonly oid: string
  readonly commit: string
}

/** A file of the git directory to be written anew, or to be continued. */
interface OpenedFile {
  readonly path: string
  readonly how: 'write' | 'append'
  readonly content: string
}

/** The refs of an opened working copy: HEAD on a local branch that follows origin's, or detached on a tag or id. */
export function openedAt({ ref, oid, commit }: OpenedAt, tips: readonly string[]): readonly OpenedFile[] {
  const branch = ref?.startsWith('refs/heads/') === true ? ref.slice('refs/heads/'.length) : null
  if (branch !== null) {
    const refs = { [`refs/heads/${branch}`]: commit, [`refs/remotes/origin/${branch}`]: commit }
    return [
      { path: '.git/HEAD', how: 'write', content: `ref: refs/heads/${branch}\n` },
      { path: '.git/packed-refs', how: 'write', content: packedRefs(tips, refs) },
      { path: '.git/config', how: 'append', content: followingOrigin(branch) },
    ]
  }
  return ref?.startsWith('refs/tags/') === true
    ? [{ path: '.git/packed-refs', how: 'write', content: packedRefs(tips, { [ref]: oid }) }]
    : []
}

function followingOrigin(branch: string): string {
  return `[branch ${quoted(branch)}]\n\tremote = origin\n\tmerge = ${quoted(`refs/heads/${branch}`)}\n`
}
