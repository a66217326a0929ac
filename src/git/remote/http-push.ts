import { hasCode } from '../../core/errors.ts'
import type { ServiceAsker } from './ask-server.ts'
import type { HttpLimits, StreamedBody } from './http-exchange.ts'
import { readPackets } from './pkt-line.ts'
import { pushBy, type PushWay } from './push.ts'
import { checkPush, type PackMaker, type Pushed, type PushOptions } from './push-options.ts'
import { readPushAdvertisement } from './push-advertisement.ts'
import { rejected } from './push-rejection.ts'

/** As much as git itself gathers to tell a length: there are servers and proxies that want one. */
const maxGathered = 1024 * 1024
/** Bytes of an answer; builds that run in hooks have much to say. */
const maxAnswerBytes = 32 * 1024 * 1024

interface HttpPushSettings {
  readonly asker: ServiceAsker
  /** Where the repository is believed to be. */
  readonly url: string
  readonly limits: HttpLimits
}

/** Pushes one ref to a server. */
export async function pushOverHttp(
  { asker, url: start, limits }: HttpPushSettings,
  options: PushOptions,
  makePack: PackMaker,
): Promise<Pushed> {
  checkPush(options)
  const { signal } = options
  const { url, value: advertised } = await asker.introduce(start, {
    headers: {},
    read: (packets) => readPushAdvertisement(packets, options.ref),
    signal,
  })
  const headers = {
    'content-type': 'application/x-git-receive-pack-request',
    accept: 'application/x-git-receive-pack-result',
  }
  const way: PushWay = {
    advertised,
    send: async (request, read) => {
      const body = await measured(request)
      return await asker.ask({ url: `${url}/git-receive-pack`, headers, body, limits, signal }, (answer) =>
        read(readPackets(answer, { maxBytes: maxAnswerBytes })),
      )
    },
  }
  try {
    return await pushBy(way, options, makePack)
  } catch (error) {
    const fact = hasCode(error, 'remote_invalid') ? aboutBodies.get(error.details['status']) : undefined
    throw fact === undefined ? error : rejected(options.ref, 'other', { fact })
  }
}

/** Answers that are about the size of a request, not about who speaks there. */
const aboutBodies: ReadonlyMap<unknown, string> = new Map([
  [411, 'the server takes no pack whose length is not known before it is sent'],
  [413, 'the server takes no pack of this size'],
])

/** A small body is gathered, so that its length can be told; a greater one is sent as it comes. */
async function measured(chunks: AsyncIterable<Uint8Array>): Promise<StreamedBody> {
  const iterator = chunks[Symbol.asyncIterator]()
  const gathered: Uint8Array[] = []
  let length = 0
  while (length <= maxGathered) {
    const next = await iterator.next()
    if (next.done) return { chunks: all(gathered, null), length }
    gathered.push(next.value)
    length += next.value.length
  }
  return { chunks: all(gathered, iterator), length: null }
}

async function* all(
  first: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array> | null,
): AsyncGenerator<Uint8Array, void, void> {
  yield* first
  if (rest === null) return
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
}
