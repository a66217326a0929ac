import { LRUCache } from 'lru-cache'
import { systemClock } from '../../core/clock.ts'
import { asCanceled } from '../../core/deadline.ts'
import { hasCode } from '../../core/errors.ts'
import { singleFlight } from '../../core/single-flight.ts'
import type { Lookup } from './address.ts'
import { readAdvertisement, type Advertisement } from './advertisement.ts'
import { serviceAsker } from './ask-server.ts'
import { withoutEchoes } from './echoes.ts'
import { plainAgents, secureAgents } from './http-agents.ts'
import type { HttpLimits } from './http-exchange.ts'
import { packRequest, readHead, uploadPackRequest, wantsVersion2 } from './http-pack.ts'
import { pushOverHttp } from './http-push.ts'
import { lsRefsRequest, readRefs } from './ls-refs.ts'
import { notTooSlow } from './not-too-slow.ts'
import { demultiplex, readPackets } from './pkt-line.ts'
import type { Remote, RemoteAuthorization } from './remote.ts'
import type { HttpRepo } from './repo-url.ts'

export interface HttpRemoteSettings {
  readonly limits: HttpLimits
  /** Silence, or near silence, in the middle of a pack after which it is given up. */
  readonly packIdleMs: number
  /** Bytes of an answer that lists refs. */
  readonly maxRefsBytes: number
  /** Certificates to trust instead of Node's own list. */
  readonly ca: string | null
  /** Stands in for the name system in tests. */
  readonly lookup?: Lookup
}

export const httpRemoteDefaults: HttpRemoteSettings = {
  limits: { firstByteMs: 10_000, idleMs: 10_000, totalMs: 60_000, maxHeaderBytes: 16_384 },
  packIdleMs: 30_000,
  maxRefsBytes: 32 * 1024 * 1024,
  ca: null,
}

/** Kept-alive connections to servers and what is known about their repositories. */
export interface HttpRemotes {
  open(repo: HttpRepo, authorization: RemoteAuthorization | null): Remote
  /** Ends idle connections. */
  close(): void
}

interface Found {
  readonly url: string
  readonly advertisement: Advertisement
}

/** Makes remotes that share connections; each repository and credential is introduced once. */
export function httpRemotes(settings: HttpRemoteSettings): HttpRemotes {
  const plain = plainAgents()
  const secure = secureAgents(settings)
  const known = new LRUCache<string, Found>({ max: 10_000 })
  const introductions = singleFlight<Found>()
  // How long a pack takes is the caller's to limit.
  const packLimits = {
    ...settings.limits,
    firstByteMs: settings.packIdleMs,
    idleMs: settings.packIdleMs,
    totalMs: Infinity,
  }

  function open(repo: HttpRepo, authorization: RemoteAuthorization | null): Remote {
    // Knowledge gained with one credential must not shorten the way of another: that would tell who asked before.
    const key = `${authorization?.fingerprint ?? ''} ${repo.key}`
    const asking = {
      repo,
      authorization,
      agents: repo.isSecure ? secure : plain,
      lookup: settings.lookup,
      limits: settings.limits,
      maxBytes: settings.maxRefsBytes,
    }
    const reader = serviceAsker({ ...asking, service: 'upload-pack' })
    const writer = serviceAsker({ ...asking, service: 'receive-pack' })

    async function introduce(signal: AbortSignal): Promise<Found> {
      const introduction = { headers: wantsVersion2, read: readAdvertisement, signal }
      const { url, value: advertisement } = await reader.introduce(repo.url, introduction)
      const found = { url, advertisement }
      // Older protocols have the refs in there, which change.
      if (advertisement.refs === null) known.set(key, found)
      return found
    }

    /** What a server can do does not depend on who asked first, unlike its refs. */
    async function found(signal: AbortSignal): Promise<Found> {
      const before = known.get(key)
      if (before !== undefined) return before
      return introductions.run(key, introduce, { signal }).catch((error: unknown) => {
        throw signal.aborted ? asCanceled(signal.reason) : error
      })
    }

    async function listed({ url, advertisement }: Found, prefixes: readonly string[], signal: AbortSignal) {
      if (advertisement.refs !== null) return advertisement.refs.filter(({ name }) => hasPrefix(name, prefixes))
      const { objectFormat } = advertisement.abilities
      const request = { ...uploadPackRequest(url, lsRefsRequest({ prefixes, objectFormat })), signal }
      return await reader.ask(request, async (body) => {
        const refs = await reader.readWhole(body, (packets) => readRefs(packets, { objectFormat }))
        return refs.filter(({ name }) => hasPrefix(name, prefixes))
      })
    }

    const remote: Remote = {
      async abilities({ signal }) {
        return (await found(signal)).advertisement.abilities
      },
      async fetchPack({ signal, onProgress, ...wish }, use) {
        const { url, advertisement } = await found(signal)
        const { objectFormat, protocol } = advertisement.abilities
        const request = { ...packRequest(url, { ...wish, objectFormat }, protocol), limits: packLimits, signal }
        return await reader.ask(request, async (body) => {
          const packets = readPackets(body, { maxBytes: Number.POSITIVE_INFINITY })
          const { shallow, rest } = await readHead(packets, { ...wish, objectFormat }, protocol)
          const pack = demultiplex(rest, { onProgress })
          return await use({
            shallow,
            pack: notTooSlow(pack, { host: repo.host, windowMs: settings.packIdleMs, clock: systemClock }),
          })
        })
      },
      async lsRefs({ prefixes, signal }) {
        // Not introduced yet: most servers answer at the canonical address, in one round trip instead of two.
        const remembered = known.get(key) ?? { url: repo.url, advertisement: presumed }
        try {
          return await listed(remembered, prefixes, signal)
        } catch (error) {
          known.delete(key)
          // It may lie elsewhere, use other ids or speak an older protocol: an introduction tells.
          if (!hasCode(error, 'repo_not_found', 'remote_redirected', 'remote_invalid', 'remote_failed')) throw error
          return await listed(await introduce(signal), prefixes, signal)
        }
      },
      push: (options, makePack) =>
        pushOverHttp({ asker: writer, url: repo.url, limits: packLimits }, options, makePack),
    }
    return withoutEchoes(remote, authorization)
  }

  return {
    open,
    close() {
      plain.close()
      secure.close()
    },
  }
}

/** What nearly every server says of itself. */
const presumed: Advertisement = {
  abilities: { protocol: 2, objectFormat: 'sha1', hasFilter: false, hasShallow: true, hasAnyId: true },
  refs: null,
}

/** Servers may send more than was asked for. */
function hasPrefix(name: string, prefixes: readonly string[]): boolean {
  return prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix))
}
