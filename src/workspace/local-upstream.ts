import { correlationId } from '../core/correlation.ts'
import { finish, finishOk, type Running } from '../core/exec.ts'
import { progressReader } from '../core/progress.ts'
import { span } from '../core/spans.ts'
import { gitFailure } from '../git/failure.ts'
import type { LocalRemote } from '../git/remote/local-remote.ts'
import { transferEnvironment } from '../git/transfer-environment.ts'
import type { Sandbox } from '../sandbox/contract.ts'
import { checkArgv, withToleratedFlaws, type ObjectCheck } from './object-check.ts'
import { start, unpack, unpackHistory, type PlaceOptions } from './place.ts'
import { blankRepository } from './repository-files.ts'
import type { BringOptions, Brought, Upstream, Wish } from './upstream.ts'

export interface LocalUpstreamSettings {
  readonly remote: LocalRemote
  readonly url: string
  readonly objectFormat: 'sha1' | 'sha256'
}

/** The caller's own repository as upstream: its upload-pack writes the pack, the builder reads it, no path is followed. */
export function localUpstream({ remote, url, objectFormat }: LocalUpstreamSettings): Upstream {
  return {
    url,
    objectFormat,
    bring: (wish, creating, options) =>
      span('fetch', {}, async () => {
        const builder = await creating
        const boundary = wish.base?.isShallow === true ? await shallowFile(builder, options) : []
        return await withToleratedFlaws((check) => take(remote, { wish, check, builder, boundary }, options))
      }),
  }
}

interface Delivery {
  readonly wish: Wish
  readonly check: ObjectCheck
  readonly builder: Sandbox
  /** Where the builder's history ends before anything is brought. */
  readonly boundary: readonly string[]
}

async function take(remote: LocalRemote, delivery: Delivery, options: BringOptions): Promise<Brought> {
  // Whatever fails after it was started must end the program that writes the pack.
  const ending = new AbortController()
  const signal = AbortSignal.any([options.signal, ending.signal])
  try {
    return await takePack(remote, delivery, { ...options, signal })
  } finally {
    ending.abort()
  }
}

async function takePack(remote: LocalRemote, delivery: Delivery, options: BringOptions): Promise<Brought> {
  const { wish, builder, boundary } = delivery
  const stream = await remote.fetchPack({
    wants: wish.wants,
    haves: wish.depth === 'exact' ? [] : (wish.base?.tips ?? []),
    shallow: wish.depth === 'exact' ? [] : boundary,
    depth: wish.depth === 'exact' ? 'full' : wish.depth,
    filter: wish.filter,
    signal: options.signal,
    onProgress: progressReader(options.onProgress),
  })
  const { shallow, unshallow } = stream.shallow
  const cut = new Set([...boundary, ...shallow].filter((oid) => !unshallow.includes(oid)))
  const repository = wish.base === null ? blankRepository(wish.state) : []
  const shallowEntry = { path: '.git/shallow', content: [...cut].map((oid) => `${oid}\n`).join('') }
  const entries = cut.size === 0 ? repository : [...repository, shallowEntry]
  const isWhole =
    wish.depth === 'exact'
      ? await unpack(builder, entries, null, options).then(() => false)
      : await unpackHistory(builder, entries, null, options)
  return { bytes: await indexPack(delivery, stream.pack, options), isWhole }
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
  const env = transferEnvironment({
    correlationId: correlationId() ?? '',
    source: null,
    idleSeconds: 0,
    negotiation: 'default',
  })
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
