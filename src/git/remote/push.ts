import type { Packet } from './pkt-line.ts'
import type { PushAdvertisement } from './push-advertisement.ts'
import { moved, rejected, rejection } from './push-rejection.ts'
import { readPushAnswer } from './push-report.ts'
import type { PackMaker, Pushed, PushOptions } from './push-options.ts'
import { emptyPack, updateRequest } from './push-request.ts'

/** The way to a server that has introduced itself. */
export interface PushWay {
  readonly advertised: PushAdvertisement
  /** Sends a request, all of it or nothing that counts, and lends the answer to `read`. */
  send<T>(
    request: AsyncIterable<Uint8Array>,
    read: (answer: AsyncGenerator<Packet, void, void>) => Promise<T>,
  ): Promise<T>
}

/** Moves the ref, or finds that it need not be moved; the server compares what it holds with what it held before. */
export async function pushBy(way: PushWay, options: PushOptions, makePack: PackMaker): Promise<Pushed> {
  const { ref, oid, expected } = options
  const { old, objectFormat, offers } = way.advertised
  // Also where something else was expected: an answer that got lost is no reason to fail the second time.
  if (old === oid) return { outcome: 'unchanged', old, said: [] }
  if (oid.length !== (objectFormat === 'sha1' ? 40 : 64)) {
    throw rejected(ref, 'other', { fact: `the repository uses ${objectFormat} ids` })
  }
  if (expected !== 'any' && expected.oid !== old) throw moved(ref, { expected: expected.oid, found: old })
  const hasOfsDelta = offers.has('ofs-delta')
  const pack = await makePack({ old, objectFormat, hasOfsDelta, hasThinPack: !offers.has('no-thin') })
  const answer = await lend(pack ?? one(emptyPack(objectFormat)), (chunks) =>
    way.send(following(updateRequest(ref, oid, way.advertised), chunks), (packets) =>
      readPushAnswer(packets, { ref, hasSideBand: offers.has('side-band-64k') }),
    ),
  )
  if (answer.report.kind !== 'moved') throw rejection(ref, old, answer)
  return { outcome: old === null ? 'created' : 'updated', old, said: answer.said }
}

/** A source of chunks that has ended afterwards, also where nobody came to read it. */
async function lend<T>(
  source: AsyncIterable<Uint8Array>,
  use: (chunks: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const iterator = source[Symbol.asyncIterator]()
  try {
    return await use({ [Symbol.asyncIterator]: () => iterator })
  } finally {
    await iterator.return?.()
  }
}

async function* following(head: Uint8Array, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  yield head
  yield* chunks
}

async function* one(chunk: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield chunk
}
