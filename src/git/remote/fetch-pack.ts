import { AppError } from '../../core/errors.ts'
import { delimiterPacket, encodePacket, flushPacket, packetText, type Packet } from './pkt-line.ts'
import { isFullId } from './ref-name.ts'

/** What to bring from a remote, and what is there already. */
export interface PackWish {
  readonly objectFormat: 'sha1' | 'sha256'
  readonly wants: readonly string[]
  /** Commits whose whole history is there; the pack is thin with respect to them. */
  readonly haves: readonly string[]
  /** Commits at which the history that is there was cut off. */
  readonly shallow: readonly string[]
  /** Generations to bring; `full` also heals what was cut off. */
  readonly depth: number | 'full'
  readonly filter: 'none' | 'blob:none' | 'tree:0'
}

/** New ends of the history, to be written to `shallow` before the pack is used. */
export interface ShallowUpdate {
  readonly shallow: readonly string[]
  readonly unshallow: readonly string[]
}

/** A pack under way. */
export interface PackStream {
  readonly shallow: ShallowUpdate
  readonly pack: AsyncIterable<Uint8Array>
}

/** Depth that git understands as "everything, also beyond where it was cut". */
export const infiniteDepth = 0x7fffffff

/** The request for a pack in protocol version 2; it negotiates nothing: what is there is told in full. */
export function fetchRequest(wish: PackWish): Buffer {
  const { wants, haves, shallow, depth, filter } = wish
  checkIds(wish)
  const lines = [
    'ofs-delta',
    ...(haves.length > 0 ? ['thin-pack'] : []),
    ...wants.map((oid) => `want ${oid}`),
    ...haves.map((oid) => `have ${oid}`),
    ...shallow.map((oid) => `shallow ${oid}`),
    ...(depth !== 'full' ? [`deepen ${depth}`] : shallow.length > 0 ? [`deepen ${infiniteDepth}`] : []),
    ...(filter === 'none' ? [] : [`filter ${filter}`]),
    'done',
  ]
  return Buffer.concat([
    encodePacket('command=fetch'),
    encodePacket('agent=forkyard'),
    encodePacket(`object-format=${wish.objectFormat}`),
    delimiterPacket,
    ...lines.map((line) => encodePacket(line)),
    flushPacket,
  ])
}

/** Ids become lines of a request: anything else could be a line of its own. */
export function checkIds({ wants, haves, shallow }: PackWish): void {
  if (![...wants, ...haves, ...shallow].every(isFullId))
    throw new AppError('internal', 'Cannot ask for a pack: something is not a full id')
}

/** Reads the answer up to where the pack begins. */
export async function readFetchHead(packets: AsyncIterator<Packet>): Promise<ShallowUpdate> {
  const shallow: string[] = []
  const unshallow: string[] = []
  for (;;) {
    const next = await packets.next()
    if (next.done) throw new AppError('remote_failed', 'Cannot read the pack: the answer ends too early')
    const text = packetText(next.value)
    if (text === 'packfile') return { shallow, unshallow }
    if (text === null || text === 'shallow-info') continue
    readShallowLine(text, { shallow, unshallow })
  }
}

/** Takes in a line that says where the history ends now, or no longer. */
export function readShallowLine(line: string, update: { shallow: string[]; unshallow: string[] }): void {
  const [kind, oid = ''] = line.split(' ', 2)
  if (!isFullId(oid) || (kind !== 'shallow' && kind !== 'unshallow')) {
    throw new AppError('remote_invalid', 'Cannot read the pack: unknown section in front of it')
  }
  update[kind].push(oid)
}
