import { AppError } from '../../core/errors.ts'
import type { Ref } from '../ref.ts'
import { delimiterPacket, encodePacket, flushPacket, packetText, type Packet } from './pkt-line.ts'
import { isRefName } from './ref-name.ts'
import type { RemoteAbilities } from './remote.ts'

type ObjectFormat = RemoteAbilities['objectFormat']

/** The request for refs in protocol version 2. */
export function lsRefsRequest({
  prefixes,
  objectFormat,
}: {
  readonly prefixes: readonly string[]
  readonly objectFormat: ObjectFormat
}): Buffer {
  return Buffer.concat([
    encodePacket('command=ls-refs'),
    encodePacket('agent=forkyard'),
    encodePacket(`object-format=${objectFormat}`),
    delimiterPacket,
    encodePacket('peel'),
    encodePacket('symrefs'),
    ...prefixes.map((prefix) => encodePacket(`ref-prefix ${prefix}`)),
    flushPacket,
  ])
}

/** Reads the answer up to its flush; names git itself would refuse are dropped. */
export async function readRefs(
  packets: AsyncIterator<Packet>,
  { objectFormat }: { readonly objectFormat: ObjectFormat },
): Promise<readonly Ref[]> {
  const refs: Ref[] = []
  for (;;) {
    const next = await packets.next()
    if (next.done) throw new AppError('remote_failed', 'Cannot read the refs: the answer ends too early')
    const text = packetText(next.value)
    if (text === null) return refs
    const ref = parseLine(text, objectFormat)
    if (ref !== null) refs.push(ref)
  }
}

/** Reads the ref list of protocol versions 0 and 1, where peeled tags have lines of their own. */
export function readV0Refs(
  lines: readonly string[],
  { objectFormat, symrefs }: { readonly objectFormat: ObjectFormat; readonly symrefs: ReadonlyMap<string, string> },
): readonly Ref[] {
  const refs: Ref[] = []
  for (const line of lines) {
    const [oid = '', name = ''] = line.split(' ', 2)
    if (oid === 'shallow' || name === 'capabilities^{}') continue
    checkId(oid, objectFormat)
    const last = refs.at(-1)
    if (name.endsWith('^{}') && last?.name === name.slice(0, -3)) refs[refs.length - 1] = { ...last, peeled: oid }
    else if (isRefName(name)) refs.push({ name, oid, peeled: oid, symref: refNameOrNull(symrefs.get(name)) })
  }
  return refs
}

function parseLine(line: string, objectFormat: ObjectFormat): Ref | null {
  const [oid = '', name = '', ...attributes] = line.split(' ')
  if (oid === 'unborn') return null
  checkId(oid, objectFormat)
  if (!isRefName(name)) return null
  const value = (key: string) => attributes.find((attribute) => attribute.startsWith(key))?.slice(key.length)
  const peeled = value('peeled:') ?? oid
  checkId(peeled, objectFormat)
  return { name, oid, peeled, symref: refNameOrNull(value('symref-target:')) }
}

function refNameOrNull(name: string | undefined): string | null {
  return name !== undefined && isRefName(name) ? name : null
}

/** Throws `remote_invalid` unless `oid` is an id of that format. */
export function checkId(oid: string, objectFormat: ObjectFormat): void {
  const digits = objectFormat === 'sha1' ? 40 : 64
  if (oid.length !== digits || !/^[0-9a-f]+$/.test(oid)) {
    throw new AppError('remote_invalid', 'Cannot read the refs: a line does not start with an object id')
  }
}
