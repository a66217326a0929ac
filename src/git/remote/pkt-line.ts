import { AppError } from '../../core/errors.ts'
import { printable } from './printable.ts'

/** One unit of git's wire format. */
export type Packet =
  | { readonly kind: 'data'; readonly payload: Buffer }
  | { readonly kind: 'flush' }
  | { readonly kind: 'delimiter' }
  | { readonly kind: 'end' }

/** Ends a request or a list. */
export const flushPacket = Buffer.from('0000')
/** Separates the parts of a request. */
export const delimiterPacket = Buffer.from('0001')

const maxPayloadBytes = 65_516

/** A payload with its length in front; text lines get their newline here. */
export function encodePacket(payload: string | Uint8Array): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(`${payload}\n`) : payload
  if (bytes.length > maxPayloadBytes) {
    throw new AppError('internal', `Cannot encode a packet: ${bytes.length} bytes are too many`)
  }
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes])
}

/** Cuts a byte stream into packets; a stream longer than `maxBytes`, malformed or cut short is refused. */
export async function* readPackets(
  chunks: AsyncIterable<Uint8Array>,
  { maxBytes }: { readonly maxBytes: number },
): AsyncGenerator<Packet, void, void> {
  let pending: Buffer = Buffer.alloc(0)
  let total = 0
  for await (const chunk of chunks) {
    total += chunk.length
    if (total > maxBytes) {
      throw new AppError('remote_invalid', `Cannot read the answer: it is longer than ${maxBytes} bytes`)
    }
    pending = pending.length === 0 ? asBuffer(chunk) : Buffer.concat([pending, chunk])
    for (let length = lengthOf(pending); length !== null && pending.length >= Math.max(length, 4);) {
      yield packetOf(pending, length)
      pending = pending.subarray(Math.max(length, 4))
      length = lengthOf(pending)
    }
  }
  if (pending.length > 0)
    throw new AppError('remote_failed', 'Cannot read the answer: it ends in the middle of a packet')
}

/** Text of a data packet without its newline; the server's own error report is thrown. */
export function packetText(packet: Packet): string | null {
  if (packet.kind !== 'data') return null
  const text = packet.payload.toString('utf8').replace(/\n$/, '')
  if (text.startsWith('ERR ')) throw serverError(text.slice(4))
  return text
}

/** Data of band 1; band 2 goes to `onProgress` as it comes, unjudged; band 3 is the server's error. Ends at the flush. */
export async function* demultiplex(
  packets: AsyncIterable<Packet>,
  { onProgress }: { readonly onProgress: (text: string) => void },
): AsyncGenerator<Buffer, void, void> {
  for await (const packet of packets) {
    if (packet.kind === 'flush' || packet.kind === 'end') return
    if (packet.kind === 'delimiter')
      throw new AppError('remote_invalid', 'Cannot read the answer: a delimiter is among its side bands')
    const data = packet.payload.subarray(1)
    switch (packet.payload[0]) {
      case 1:
        yield data
        break
      case 2:
        onProgress(data.toString('utf8'))
        break
      case 3:
        throw serverError(data.toString('utf8'))
      default:
        packetText(packet)
        throw new AppError('remote_invalid', 'Cannot read the answer: unknown side band')
    }
  }
  throw new AppError('remote_failed', 'Cannot read the answer: the connection ended too early')
}

/** What a server says when it gives up, as an error of ours. */
function serverError(text: string): AppError {
  const said = printable(text)
  if (/not our ref|unadvertised object|no such remote ref/.test(said)) {
    return new AppError('commit_not_found', 'Cannot fetch: the server does not have or hand out the commit', {
      details: { said },
    })
  }
  return new AppError('remote_failed', 'Cannot go on: the server reports an error', { details: { said } })
}

function lengthOf(bytes: Buffer): number | null {
  if (bytes.length < 4) return null
  const digits = bytes.toString('latin1', 0, 4)
  const length = /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : -1
  if (length < 0 || length === 3 || length > maxPayloadBytes + 4) {
    throw new AppError('remote_invalid', "Cannot read the answer: it is not in git's packet format")
  }
  return length
}

function packetOf(bytes: Buffer, length: number): Packet {
  if (length === 0) return { kind: 'flush' }
  if (length === 1) return { kind: 'delimiter' }
  if (length === 2) return { kind: 'end' }
  return { kind: 'data', payload: bytes.subarray(4, length) }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
