import { createHash } from 'node:crypto'
import { encodePacket, flushPacket } from './pkt-line.ts'
import type { PushAdvertisement } from './push-advertisement.ts'

const wanted = ['report-status', 'side-band-64k', 'quiet']

/** The request to move one ref from where it was seen to be; the pack follows it. */
export function updateRequest(ref: string, oid: string, { old, objectFormat, offers }: PushAdvertisement): Buffer {
  const abilities = [
    ...wanted.filter((name) => offers.has(name)),
    ...(offers.has('object-format') ? [`object-format=${objectFormat}`] : []),
    ...(offers.has('agent') ? ['agent=forkyard'] : []),
  ]
  const line = `${old ?? '0'.repeat(oid.length)} ${oid} ${ref}\0 ${abilities.join(' ')}`
  // As git does, without a newline: not every server takes one off.
  return Buffer.concat([encodePacket(Buffer.from(line)), flushPacket])
}

/** A pack without objects, for a ref that moves to what the server has already. */
export function emptyPack(objectFormat: PushAdvertisement['objectFormat']): Buffer {
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1')
  return Buffer.concat([head, createHash(objectFormat).update(head).digest()])
}
