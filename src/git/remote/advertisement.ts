import { AppError } from '../../core/errors.ts'
import type { Ref } from '../ref.ts'
import { readV0Refs } from './ls-refs.ts'
import { packetText, type Packet } from './pkt-line.ts'
import type { RemoteAbilities } from './remote.ts'

/** What a server does for its callers: lets them read, or write. */
export type Service = 'upload-pack' | 'receive-pack'

/** How a server opens the conversation: version 2 names its abilities, older ones list every ref at once. */
export interface Advertisement {
  readonly abilities: RemoteAbilities
  /** `null` where refs must be asked for by `ls-refs`. */
  readonly refs: readonly Ref[] | null
}

const maxAbilitiesBytes = 65_536

const unknownAbilities: RemoteAbilities = {
  protocol: 0,
  objectFormat: 'sha1',
  hasFilter: false,
  hasShallow: false,
  hasAnyId: false,
}

/** Reads an advertisement; packets after it stay unread. */
export async function readAdvertisement(packets: AsyncIterator<Packet>): Promise<Advertisement> {
  const { first, isAnnounced } = await readService(packets, 'upload-pack')
  if (first === 'version 2') return { abilities: await readV2(packets), refs: null }
  // An older server with an empty repository has nothing at all to say.
  if (first === null && isAnnounced) return { abilities: unknownAbilities, refs: [] }
  const isV1 = first === 'version 1'
  return await readV0(isV1 ? await nextText(packets) : first, packets, isV1 ? 1 : 0)
}

async function readV2(packets: AsyncIterator<Packet>): Promise<RemoteAbilities> {
  const offered = new Map<string, string>()
  let bytes = 0
  for (let line = await nextText(packets); line !== null; line = await nextText(packets)) {
    bytes += line.length
    if (bytes > maxAbilitiesBytes) throw invalid(`it lists more than ${maxAbilitiesBytes} bytes of abilities`)
    const [name = '', value = ''] = cut(line, '=')
    offered.set(name, value)
  }
  const fetch = offered.get('fetch')?.split(' ')
  if (fetch === undefined || !offered.has('ls-refs')) throw invalid('it offers neither ls-refs nor fetch')
  return {
    protocol: 2,
    objectFormat: objectFormat(offered.get('object-format')),
    hasFilter: fetch.includes('filter'),
    hasShallow: fetch.includes('shallow'),
    hasAnyId: true,
  }
}

async function readV0(first: string | null, packets: AsyncIterator<Packet>, protocol: 0 | 1): Promise<Advertisement> {
  if (first === null) throw invalid('it is empty')
  const [line = '', capabilities] = cut(first, '\0')
  if (capabilities === undefined) throw invalid('it names no abilities')
  const names = capabilities.split(' ')
  const lines = [line]
  for (let next = await nextText(packets); next !== null; next = await nextText(packets)) lines.push(next)
  const format = objectFormat(names.find((name) => name.startsWith('object-format='))?.slice(14))
  const abilities: RemoteAbilities = {
    protocol,
    objectFormat: format,
    hasFilter: names.includes('filter'),
    hasShallow: names.includes('shallow'),
    hasAnyId: names.includes('allow-reachable-sha1-in-want') && names.includes('allow-tip-sha1-in-want'),
  }
  const symrefs = names.filter((name) => name.startsWith('symref=')).map((name) => cut(name.slice(7), ':'))
  const targets = new Map(symrefs.map(([name = '', target = '']) => [name, target]))
  return { abilities, refs: readV0Refs(lines, { objectFormat: format, symrefs: targets }) }
}

/** Skips the lines in which a server on HTTP names its service; `first` is the one after them. */
export async function readService(
  packets: AsyncIterator<Packet>,
  service: Service,
): Promise<{ readonly first: string | null; readonly isAnnounced: boolean }> {
  const first = await nextText(packets)
  if (first?.startsWith('# service=') !== true) return { first, isAnnounced: false }
  if (first !== `# service=git-${service}`) throw invalid('the server offers another service')
  if ((await nextText(packets)) !== null) throw invalid('its service line is not followed by a flush')
  return { first: await nextText(packets), isAnnounced: true }
}

/** Text of the next line; `null` for what ends a list. */
export async function nextText(packets: AsyncIterator<Packet>): Promise<string | null> {
  const next = await packets.next()
  if (next.done) throw new AppError('remote_failed', "Cannot read the server's advertisement: it ends too early")
  return packetText(next.value)
}

/** The format that a server names; those that name none know of one only. */
export function objectFormat(name: string | undefined): 'sha1' | 'sha256' {
  if (name === undefined || name === 'sha1') return 'sha1'
  if (name === 'sha256') return 'sha256'
  throw invalid('its object format is unknown')
}

/** Both sides of the first separator. */
export function cut(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)]
}

/** A server that does not open the conversation as git's protocol has it. */
export function invalid(fact: string): AppError {
  return new AppError('remote_invalid', `Cannot read the server's advertisement: ${fact}`)
}
