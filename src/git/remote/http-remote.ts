import { Agent as SecureAgent } from 'node:https'
import { LRUCache } from 'lru-cache'
import { systemClock } from '../../core/clock.ts'
import { AppError, hasCode } from '../../core/errors.ts'
import type { Lookup } from './address.ts'
import { readAdvertisement, type Advertisement } from './advertisement.ts'
import { exchange, type HttpAnswer, type HttpLimits } from './http-exchange.ts'
import { statusFailure } from './http-failure.ts'
import { followRedirect } from './http-redirect.ts'
import { lsRefsRequest, readRefs } from './ls-refs.ts'
import { PlainAgent } from './node-http.ts'
import { packRequest, readHead, uploadPackRequest } from './http-pack.ts'
import { notTooSlow } from './not-too-slow.ts'
import { demultiplex, readPackets, type Packet } from './pkt-line.ts'
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
  const options = { keepAlive: true, maxSockets: 256, maxFreeSockets: 16 }
  const plain = new PlainAgent(options)
  const secure = new SecureAgent({
    ...options,
    rejectUnauthorized: true,
    ...(settings.ca === null ? {} : { ca: settings.ca }),
  })
  const known = new LRUCache<string, Found>({ max: 10_000 })
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

    async function ask<T>(request: Asked, use: (answer: HttpAnswer) => Promise<T>): Promise<T> {
      const call = {
        url: new URL(request.url),
        method: request.body === null ? ('GET' as const) : ('POST' as const),
        headers: {
          ...request.headers,
          'git-protocol': 'version=2',
          ...(authorization === null ? {} : { authorization: authorization.header() }),
        },
        body: request.body,
        agent: repo.isSecure ? secure : plain,
        lookup: settings.lookup,
        isAllowed: repo.isAllowed,
        limits: request.limits ?? settings.limits,
        signal: request.signal,
      }
      return await exchange(call, use)
    }

    /** Finds the repository: at its canonical address, where that redirects, or with `.git` at the end. */
    async function introduce(signal: AbortSignal): Promise<Found> {
      try {
        return await advertisementAt(repo.url, signal)
      } catch (error) {
        if (!hasCode(error, 'repo_not_found')) throw error
        return await advertisementAt(`${repo.url}.git`, signal)
      }
    }

    async function advertisementAt(start: string, signal: AbortSignal): Promise<Found> {
      let url = start
      for (let hops = 0; ; hops += 1) {
        const request = { url: `${url}/info/refs?service=git-upload-pack`, headers: {}, body: null, signal }
        const answer = await ask(request, async ({ status, headers, body }) => {
          if (status >= 300 && status < 400)
            return followRedirect({ repo, from: url, location: headers.location, hops })
          checkAnswer({ status, headers, body }, 'application/x-git-upload-pack-advertisement')
          return await readWhole(body, readAdvertisement)
        })
        if (typeof answer !== 'string') {
          const found = { url, advertisement: answer }
          // Older protocols have the refs in there, which change.
          if (answer.refs === null) known.set(key, found)
          return found
        }
        url = answer
      }
    }

    function checkAnswer({ status, headers }: HttpAnswer, contentType: string): void {
      const { host } = repo
      if (status !== 200) throw statusFailure(status, { host, hasCredential: authorization !== null })
      const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? 'nothing'
      const details = { host, contentType: /^[\w.+-]+\/[\w.+-]{1,80}$/.test(type) ? type : 'malformed' }
      if (type !== contentType) {
        throw new AppError('remote_invalid', `Cannot read from ${host}: the answer is not from a git server`, {
          details,
        })
      }
      if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
        throw new AppError(
          'remote_invalid',
          `Cannot read from ${host}: the answer is compressed, which was not asked for`,
        )
      }
    }

    /** Read to its end, a connection can serve again; whatever follows is not part of an answer. */
    async function readWhole<T>(body: AsyncIterable<Uint8Array>, read: (packets: AsyncIterator<Packet>) => Promise<T>) {
      const packets = readPackets(body, { maxBytes: settings.maxRefsBytes })
      const value = await read(packets)
      if ((await packets.next()).done) return value
      throw new AppError('remote_invalid', `Cannot read from ${repo.host}: the answer goes on after its end`)
    }

    async function listed({ url, advertisement }: Found, prefixes: readonly string[], signal: AbortSignal) {
      if (advertisement.refs !== null) return advertisement.refs.filter(({ name }) => hasPrefix(name, prefixes))
      const { objectFormat } = advertisement.abilities
      const request = { ...uploadPackRequest(url, lsRefsRequest({ prefixes, objectFormat })), signal }
      return await ask(request, async (answer) => {
        checkAnswer(answer, 'application/x-git-upload-pack-result')
        const refs = await readWhole(answer.body, (packets) => readRefs(packets, { objectFormat }))
        return refs.filter(({ name }) => hasPrefix(name, prefixes))
      })
    }

    return {
      async abilities({ signal }) {
        return (known.get(key) ?? (await introduce(signal))).advertisement.abilities
      },
      async fetchPack({ signal, onProgress, ...wish }, use) {
        const { url, advertisement } = known.get(key) ?? (await introduce(signal))
        const { objectFormat, protocol } = advertisement.abilities
        const request = { ...packRequest(url, { ...wish, objectFormat }, protocol), limits: packLimits, signal }
        return await ask(request, async (answer) => {
          checkAnswer(answer, 'application/x-git-upload-pack-result')
          const packets = readPackets(answer.body, { maxBytes: Number.POSITIVE_INFINITY })
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
    }
  }

  return {
    open,
    close() {
      plain.destroy()
      secure.destroy()
    },
  }
}

/** What nearly every server says of itself. */
const presumed: Advertisement = {
  abilities: { protocol: 2, objectFormat: 'sha1', hasFilter: false, hasShallow: true, hasAnyId: true },
  refs: null,
}

interface Asked {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | null
  /** Other than those of short answers. */
  readonly limits?: HttpLimits
  readonly signal: AbortSignal
}

/** Servers may send more than was asked for. */
function hasPrefix(name: string, prefixes: readonly string[]): boolean {
  return prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix))
}
