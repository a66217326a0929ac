import { tarEntries, type TarEntry } from './tar.ts'

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
  const directories = ['.git', '.git/objects', '.git/objects/pack', '.git/refs', '.git/refs/heads', '.git/refs/tags', '.git/info']
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

/** The entries as a stream for `tar`. */
export function asTar(entries: readonly TarEntry[]): Buffer {
  return tarEntries(entries)
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

/** Refs of our own keep the tips alive and tell a courier what is there. */
function packedRefs(tips: readonly string[]): string {
  const lines = [...new Set(tips)].sort().map((oid) => `${oid} refs/forkyard/${oid}\n`)
  return `# pack-refs with: sorted\n${lines.join('')}`
}

function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, String.raw`\$&`)}"`
}
