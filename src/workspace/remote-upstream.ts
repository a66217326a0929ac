import { correlationId } from '../core/correlation.ts'
import { finish, type Running } from '../core/exec.ts'
import { progressReader } from '../core/progress.ts'
import { span } from '../core/spans.ts'
import { gitFailure } from '../git/failure.ts'
import type { PackStream } from '../git/remote/fetch-pack.ts'
import type { Remote } from '../git/remote/remote.ts'
import { isOid } from '../git/revision.ts'
import { transferEnvironment } from '../git/transfer-environment.ts'
import type { Sandbox } from '../sandbox/contract.ts'
import { builderGit } from './builder.ts'
import { checkArgv, withToleratedFlaws, type ObjectCheck } from './object-check.ts'
import { NEW_SHALLOW, renewHistory, start, unpack, type PlaceOptions } from './place.ts'
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
      span('fetch', {}, async (tell) => {
        const builder = await creating
        const known =
          wish.base === null || wish.depth === 'exact' ? nothing : await whatIsThere(builder, wish.base, options)
        const brought = await withToleratedFlaws((check) => take(remote, { wish, check, builder, known }, options))
        tell({ bytes: brought.bytes })
        return brought
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
    isShallow ? shallowCommits(builder, options) : [],
  ])
  // Without it the remote would leave out what is not here.
  if (boundary === null) return nothing
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

/**
 * Until everything is there and checked, the history ends where it did: a fetch that breaks off changes nothing, and whoever
 * works in the copy meanwhile never walks into what is still on its way.
 */
async function takePack(
  { shallow: { shallow, unshallow }, pack }: PackStream,
  delivery: Delivery,
  options: BringOptions,
): Promise<Brought> {
  const { wish, builder, known } = delivery
  if (wish.isFirst) await unpack(builder, blankRepository(wish.state), null, options)
  if (wish.depth === 'exact') return { bytes: await indexPack(delivery, pack, {}, options), isWhole: false }
  const cut = new Set([...known.boundary, ...shallow].filter((oid) => !unshallow.includes(oid)))
  const content = [...cut].map((oid) => `${oid}\n`).join('')
  await unpack(builder, [{ path: NEW_SHALLOW, content }], null, options)
  try {
    // What git itself gives its index-pack for the same end.
    const bytes = await indexPack(delivery, pack, { GIT_SHALLOW_FILE: NEW_SHALLOW }, options)
    return { bytes, isWhole: await renewHistory(builder, options) }
  } catch (error) {
    const late = { deadlineMs: CLEANING_MS, signal: AbortSignal.timeout(CLEANING_MS) }
    await finish(start(builder, ['rm', '-f', NEW_SHALLOW], late)).catch(() => {
      // The sandbox itself is gone, or soon will be.
    })
    throw error
  }
}

const CLEANING_MS = 5000

async function indexPack(
  { builder, check, wish: { filter, depth } }: Delivery,
  pack: AsyncIterable<Uint8Array>,
  variables: Readonly<Record<string, string>>,
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
  const env = { ...transferEnvironment({ correlationId: correlationId() ?? '' }), ...variables }
  const taking = { ...options, env, stdin: counted() }
  await finishGit(start(builder, ['git', 'index-pack', '--stdin', '--fix-thin', ...flags], taking), 'index-pack')
  if (check === 'afterwards') await finishGit(start(builder, checkArgv, { ...options, env }), 'fsck')
  return bytes
}

async function finishGit(running: Running, subcommand: string): Promise<void> {
  const { code, stderr } = await finish(running)
  if (code !== 0) throw gitFailure({ subcommand, exitCode: code, stderr: stderr.toString('utf8') })
}

/**
 * Where the history of a repository was cut off; `null` where that is not written there any more, as somebody who works
 * in it may have changed it.
 */
export async function shallowCommits(sandbox: Sandbox, options: PlaceOptions): Promise<readonly string[] | null> {
  const { code, stdout } = await finish(start(sandbox, ['cat', '.git/shallow'], options))
  const lines = stdout.toString('latin1').split('\n').filter(Boolean)
  return code === 0 && lines.every(isOid) ? lines : null
}
