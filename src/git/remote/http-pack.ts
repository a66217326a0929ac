import { gzipSync } from 'node:zlib'
import { fetchRequest, readFetchHead, type PackWish, type ShallowUpdate } from './fetch-pack.ts'
import { fetchRequestV0, readFetchHeadV0 } from './fetch-pack-v0.ts'
import type { Packet } from './pkt-line.ts'
import type { RemoteAbilities } from './remote.ts'

/** Bytes from which on git itself compresses a request. */
const compressedFrom = 1024

/** Asks for version 2 of the protocol; servers that do not know it speak an older one. */
export const wantsVersion2 = { 'git-protocol': 'version=2' }

/** A question to upload-pack below a repository's URL. */
export function uploadPackRequest(url: string, body: Buffer) {
  const isLong = body.length > compressedFrom
  return {
    url: `${url}/git-upload-pack`,
    headers: {
      ...wantsVersion2,
      'content-type': 'application/x-git-upload-pack-request',
      accept: 'application/x-git-upload-pack-result',
      ...(isLong ? { 'content-encoding': 'gzip' } : {}),
    },
    body: isLong ? gzipSync(body) : body,
  }
}

/** The request for a pack in the words of the server's protocol. */
export function packRequest(url: string, wish: PackWish, protocol: RemoteAbilities['protocol']) {
  return uploadPackRequest(url, protocol === 2 ? fetchRequest(wish) : fetchRequestV0(wish))
}

/** Reads what comes before the pack; the side bands follow in `rest`. */
export async function readHead(
  packets: AsyncGenerator<Packet, void, void>,
  wish: PackWish,
  protocol: RemoteAbilities['protocol'],
): Promise<{ readonly shallow: ShallowUpdate; readonly rest: AsyncIterable<Packet> }> {
  if (protocol !== 2) return readFetchHeadV0(packets, wish)
  return { shallow: await readFetchHead(packets), rest: packets }
}
