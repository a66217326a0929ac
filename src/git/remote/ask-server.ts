import { AppError, hasCode } from '../../core/errors.ts'
import type { Lookup } from './address.ts'
import type { Service } from './advertisement.ts'
import type { HttpAgents } from './http-agents.ts'
import { exchange, type HttpAnswer, type HttpLimits, type StreamedBody } from './http-exchange.ts'
import { statusFailure } from './http-failure.ts'
import { followRedirect, introductionPath } from './http-redirect.ts'
import { readPackets, type Packet } from './pkt-line.ts'
import type { RemoteAuthorization } from './remote.ts'
import type { HttpRepo } from './repo-url.ts'

/** A request to a git server, below a repository's URL. */
export interface Asked {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | StreamedBody | null
  /** Other than those of short answers. */
  readonly limits?: HttpLimits
  readonly signal: AbortSignal
}

/** One service of one repository's server, asked with one credential. */
export interface ServiceAsker {
  /** Hands a good answer of the expected kind to `use`; anything else is an error with a code. */
  ask<T>(request: Asked, use: (body: AsyncIterable<Uint8Array>) => Promise<T>): Promise<T>
  /** Finds the repository and reads how the service introduces itself there. */
  introduce<T>(start: string, options: Introduction<T>): Promise<Introduced<T>>
  /** Reads an answer to its end, so that its connection can serve again; whatever follows is not part of it. */
  readWhole<T>(body: AsyncIterable<Uint8Array>, read: (packets: AsyncIterator<Packet>) => Promise<T>): Promise<T>
}

interface Introduction<T> {
  readonly headers: Readonly<Record<string, string>>
  readonly read: (packets: AsyncIterator<Packet>) => Promise<T>
  readonly signal: AbortSignal
}

interface Introduced<T> {
  /** Where the repository is. */
  readonly url: string
  readonly value: T
}

interface AskerSettings {
  readonly service: Service
  readonly repo: HttpRepo
  readonly authorization: RemoteAuthorization | null
  readonly agents: HttpAgents
  readonly lookup: Lookup | undefined
  readonly limits: HttpLimits
  /** Bytes of an answer that is read whole. */
  readonly maxBytes: number
}

/** Makes the questions that one service is asked. */
export function serviceAsker(settings: AskerSettings): ServiceAsker {
  const { service, repo, authorization, agents, lookup } = settings
  const { host, isAllowed } = repo
  const hasCredential = authorization !== null

  function send<T>(request: Asked, use: (answer: HttpAnswer) => Promise<T>): Promise<T> {
    const { url, headers, body, limits = settings.limits, signal } = request
    const call = {
      url: new URL(url),
      method: body === null ? ('GET' as const) : ('POST' as const),
      headers: { ...headers, ...(authorization === null ? {} : { authorization: authorization.header() }) },
      body,
    }
    const isRepeatable = body === null || body instanceof Uint8Array
    const agent = isRepeatable ? agents.kept : agents.single
    return exchange({ ...call, agent, lookup, isAllowed, limits, signal }, use)
  }

  function checkAnswer({ status, headers }: HttpAnswer, kind: 'advertisement' | 'result'): void {
    if (status !== 200) throw statusFailure(status, { host, hasCredential, service })
    const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? 'nothing'
    if (type !== `application/x-git-${service}-${kind}`) {
      const contentType = /^[\w.+-]+\/[\w.+-]{1,80}$/.test(type) ? type : 'malformed'
      throw new AppError('remote_invalid', `Cannot read from ${host}: the answer is not from a git server`, {
        details: { host, contentType },
      })
    }
    if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
      throw new AppError(
        'remote_invalid',
        `Cannot read from ${host}: the answer is compressed, which was not asked for`,
      )
    }
  }

  async function introductionAt<T>(start: string, { headers, read, signal }: Introduction<T>): Promise<Introduced<T>> {
    let url = start
    for (let hops = 0; ; hops += 1) {
      const request = { url: url + introductionPath(service), headers, body: null, signal }
      const answer: { readonly url: string } | Introduced<T> = await send(request, async (got) => {
        if (got.status >= 300 && got.status < 400) {
          return { url: followRedirect({ repo, service, from: url, location: got.headers.location, hops }) }
        }
        checkAnswer(got, 'advertisement')
        return { url, value: await readWhole(got.body, read) }
      })
      if ('value' in answer) return answer
      url = answer.url
    }
  }

  async function readWhole<T>(body: AsyncIterable<Uint8Array>, read: (packets: AsyncIterator<Packet>) => Promise<T>) {
    const packets = readPackets(body, { maxBytes: settings.maxBytes })
    const value = await read(packets)
    if ((await packets.next()).done) return value
    throw new AppError('remote_invalid', `Cannot read from ${host}: the answer goes on after its end`)
  }

  return {
    readWhole,
    ask: (request, use) =>
      send(request, async (answer) => {
        checkAnswer(answer, 'result')
        return await use(answer.body)
      }),
    async introduce(start, introduction) {
      try {
        return await introductionAt(start, introduction)
      } catch (error) {
        // Some servers know a repository only by its full name.
        if (!hasCode(error, 'repo_not_found') || start.endsWith('.git')) throw error
        return await introductionAt(`${start}.git`, introduction)
      }
    },
  }
}
