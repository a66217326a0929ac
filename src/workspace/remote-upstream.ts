import { correlationId } from '../core/correlation.ts'
import { finish, finishOk, type Running } from '../core/exec.ts'
import { progressReader } from '../core/progress.ts'
import { span } from '../core/spans.ts'
import { gitFailure } from '../git/failure.ts'
import type { PackStream } from '../git/remote/fetch-pack.ts'
import type { Remote } from '../git/remote/remote.ts'
import { transferEnvironment } from '../git/transfer-environment.ts'
import type { Sandbox } from '../sandbox/contract.ts'
import { builderGit } from './builder.ts'
import { checkArgv, withToleratedFlaws, type ObjectCheck } from './object-check.ts'
import { start, unpack, unpackHistory, type PlaceOptions } from './place.ts'
import { blankRepository } from './repository-files.ts'
import type { BringOptions, Brought, Upstream, Wish } from './upstream.ts'

export interface RemoteUpstreamSettings {
  readonly remote: Remote
  /** Canonical address, which the image remembers. */
  readonly url: string
  readonly objectFormat: 'sha1' | 'sha256'
}

/**
 * A remote as upstream: this process asks it for a pack with the caller's credential and hands the bytes, unread, to git
 * in a builder, which has neither network nor credential.
 */
export function remoteUpstream({ remote, url, objectFormat }: RemoteUpstreamSettings): Upstream {
  return {
    url,
    objectFormat,
    bring: (wish, creating, options) =>
      span('fetch', {}, async () => {
        const builder = await creating
        const known =
          wish.base === null || wish.depth === 'exact' ? nothing : await whatIsThere(builder, wish.base, options)
        return await withToleratedFlaws((check) => take(remote, { wish, check, builder, known }, options))
      }),
  }
}

/** What the remote need not send. */
interface Known {
  readonly haves: readonly string[]
  /** Where the history ends before anything is brought. */
  readonly boundary: readonly string[]
}

const nothing: Known = { haves: [], boundary: [] }

/** Ancestors that are offered beside the tips, so that a push that replaced a tip does not bring everything anew. */
const offeredAncestors = 256

async function whatIsThere(
  builder: Sandbox,
  { tips, isShallow }: NonNullable<Wish['base']>,
  options: PlaceOptions,
): Promise<Known> {
  const [ancestors, boundary] = await Promise.all([
    builderGit(builder, options)('rev-list', {
      flags: [`--max-count=${offeredAncestors}`],
      revisions: tips,
      signal: options.signal,
    }),
    isShallow ? shallowFile(builder, options) : [],
  ])
  const offered = ancestors.text.split('\n').filter(Boolean)
  return { haves: [...new Set([...tips, ...offered])], boundary }
}

interface Delivery {
  readonly wish: Wish
  readonly check: ObjectCheck
  readonly builder: Sandbox
  readonly known: Known
}

function take(remote: Remote, delivery: Delivery, options: BringOptions): Promise<Brought> {
  const { wish, known } = delivery
  const asked = {
    wants: wish.wants,
    haves: known.haves,
    shallow: known.boundary,
    depth: wish.depth === 'exact' ? 'full' : wish.depth,
    filter: wish.filter,
    signal: options.signal,
    onProgress: progressReader(options.onProgress),
  } as const
  return remote.fetchPack(asked, (stream) => takePack(stream, delivery, options))
}

async function takePack(
  { shallow: { shallow, unshallow }, pack }: PackStream,
  delivery: Delivery,
  options: BringOptions,
): Promise<Brought> {
  const { wish, builder, known } = delivery
  const cut = new Set([...known.boundary, ...shallow].filter((oid) => !unshallow.includes(oid)))
  const repository = wish.isFirst ? blankRepository(wish.state) : []
  const shallowEntry = { path: '.git/shallow', content: [...cut].map((oid) => `${oid}\n`).join('') }
  const entries = cut.size === 0 ? repository : [...repository, shallowEntry]
  const isWhole =
    wish.depth === 'exact'
      ? await unpack(builder, entries, null, options).then(() => false)
      : await unpackHistory(builder, entries, null, options)
  return { bytes: await indexPack(delivery, pack, options), isWhole }
}

async function indexPack(
  { builder, check, wish: { filter, depth } }: Delivery,
  pack: AsyncIterable<Uint8Array>,
  options: BringOptions,
): Promise<number> {
  let bytes = 0
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of pack) {
      bytes += chunk.length
      yield chunk
    }
  }
  // With objects left out on purpose, links cannot be checked; the objects themselves are.
  const isPart = filter !== 'none' || depth === 'exact'
  const flags = [
    ...(isPart ? ['--promisor'] : []),
    ...(check === 'afterwards' ? [] : [isPart ? '--fsck-objects' : '--strict']),
  ]
  const env = transferEnvironment({ correlationId: correlationId() ?? '' })
  const taking = { ...options, env, stdin: counted() }
  await finishGit(start(builder, ['git', 'index-pack', '--stdin', '--fix-thin', ...flags], taking), 'index-pack')
  if (check === 'afterwards') await finishGit(start(builder, checkArgv, { ...options, env }), 'fsck')
  return bytes
}

async function finishGit(running: Running, subcommand: string): Promise<void> {
  const { code, stderr } = await finish(running)
  if (code !== 0) throw gitFailure({ subcommand, exitCode: code, stderr: stderr.toString('utf8') })
}

/** Where the history of the builder's repository was cut off. */
async function shallowFile(builder: Sandbox, options: PlaceOptions): Promise<readonly string[]> {
  const { stdout } = await finishOk(start(builder, ['cat', '.git/shallow'], options), 'read where the history ends')
  return stdout.toString('latin1').split('\n').filter(Boolean)
}
