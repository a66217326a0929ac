import { cut, invalid, nextText, objectFormat, readService } from './advertisement.ts'
import { checkId } from './ls-refs.ts'
import type { Packet } from './pkt-line.ts'
import type { RemoteAbilities } from './remote.ts'

/** What a server that takes pushes says of itself and of the one ref that matters. */
export interface PushAdvertisement {
  readonly objectFormat: RemoteAbilities['objectFormat']
  /** What the ref holds; `null` where it does not exist. */
  readonly old: string | null
  /** Names of its abilities, without values. */
  readonly offers: ReadonlySet<string>
}

/** Reads the advertisement of `receive-pack`, which has no version 2 and lists every ref; all but one are forgotten. */
export async function readPushAdvertisement(packets: AsyncIterator<Packet>, ref: string): Promise<PushAdvertisement> {
  const { first } = await readService(packets, 'receive-pack')
  if (first?.startsWith('version ') === true && first !== 'version 1')
    throw invalid('its version of the protocol is unknown')
  const opening = first === 'version 1' ? await nextText(packets) : first
  if (opening === null) throw invalid('it is empty')
  const [line, names] = cut(opening, '\0')
  if (names === undefined) throw invalid('it names no abilities')
  const abilities = names.split(' ').filter((name) => name !== '')
  const format = objectFormat(abilities.find((name) => name.startsWith('object-format='))?.slice(14))
  const offers = new Set(abilities.map((name) => cut(name, '=')[0]))
  // Without it nobody would ever know what became of a push.
  if (!offers.has('report-status')) throw invalid('it does not report what becomes of a push')

  let old: string | null = null
  for (let text: string | null = line; text !== null; text = await nextText(packets)) {
    const [oid, name] = cut(text, ' ')
    if (oid === 'shallow') continue
    checkId(oid, format)
    if (name !== ref) continue
    if (old !== null || /^0+$/.test(oid)) throw invalid('it contradicts itself about the ref')
    old = oid
  }
  return { objectFormat: format, old, offers }
}
