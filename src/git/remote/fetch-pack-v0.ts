import { AppError } from '../../core/errors.ts'
import { checkIds, infiniteDepth, readShallowLine, type PackWish, type ShallowUpdate } from './fetch-pack.ts'
import { encodePacket, flushPacket, packetText, type Packet } from './pkt-line.ts'

/** The request for a pack in protocol versions 0 and 1, in one piece: what is there is told in full, and nothing is negotiated. */
export function fetchRequestV0(wish: PackWish): Buffer {
  checkIds(wish)
  const { wants, haves, shallow, filter, objectFormat } = wish
  const abilities = [
    ...['side-band-64k', 'ofs-delta', 'agent=forkyard'],
    ...(haves.length > 0 ? ['thin-pack'] : []),
    ...(filter === 'none' ? [] : ['filter']),
    ...(objectFormat === 'sha1' ? [] : [`object-format=${objectFormat}`]),
  ]
  const first = wants.map((oid, index) => (index === 0 ? `want ${oid} ${abilities.join(' ')}` : `want ${oid}`))
  const deepen = depthLine(wish)
  return Buffer.concat([
    ...[
      ...first,
      ...shallow.map((oid) => `shallow ${oid}`),
      ...(deepen === null ? [] : [deepen]),
      ...(filter === 'none' ? [] : [`filter ${filter}`]),
    ].map((line) => encodePacket(line)),
    flushPacket,
    ...[...haves.map((oid) => `have ${oid}`), 'done'].map((line) => encodePacket(line)),
  ])
}

/** Reads the answer up to where the pack begins; the packets from there on are in `rest`. */
export async function readFetchHeadV0(
  packets: AsyncIterator<Packet>,
  wish: PackWish,
): Promise<{ readonly shallow: ShallowUpdate; readonly rest: AsyncIterable<Packet> }> {
  const update = { shallow: [] as string[], unshallow: [] as string[] }
  if (depthLine(wish) !== null) {
    for (let text = await nextText(packets); text !== null; text = await nextText(packets))
      readShallowLine(text, update)
  }
  for (;;) {
    const next = await packets.next()
    if (next.done) throw tooShort()
    const packet = next.value
    // Lines about what both sides have come before the first side band, whose number no text begins with.
    const isBand = packet.kind === 'data' && (packet.payload[0] ?? 0) <= 3
    if (isBand) return { shallow: update, rest: following(packet, packets) }
    const text = packetText(packet)
    if (text === null || !/^(?:NAK$|ACK )/.test(text))
      throw new AppError('remote_invalid', 'Cannot read the pack: unknown line in front of it')
  }
}

function depthLine({ depth, shallow }: PackWish): string | null {
  if (depth !== 'full') return `deepen ${depth}`
  return shallow.length > 0 ? `deepen ${infiniteDepth}` : null
}

async function* following(first: Packet, packets: AsyncIterator<Packet>): AsyncGenerator<Packet, void, void> {
  yield first
  for (let next = await packets.next(); !next.done; next = await packets.next()) yield next.value
}

async function nextText(packets: AsyncIterator<Packet>): Promise<string | null> {
  const next = await packets.next()
  if (next.done) throw tooShort()
  return packetText(next.value)
}

function tooShort(): AppError {
  return new AppError('remote_failed', 'Cannot read the pack: the answer ends too early')
}
