import { AppError, hasCode } from '../../core/errors.ts'
import { demultiplex, packetText, readPackets, type Packet } from './pkt-line.ts'
import { gatherSaid, type Said } from './said.ts'

/** What became of a push; the reasons are the server's own words. */
export type PushReport =
  | { readonly kind: 'moved' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'not-unpacked'; readonly reason: string }

/** A report with what the server and its hooks said beside it. */
export interface PushAnswer {
  readonly report: PushReport
  readonly said: readonly string[]
}

/** Far above any honest report on one ref. */
const maxReportBytes = 262_144

/** Reads the answer to a push of one ref, side bands and all. */
export async function readPushAnswer(
  packets: AsyncGenerator<Packet, void, void>,
  { ref, hasSideBand }: { readonly ref: string; readonly hasSideBand: boolean },
): Promise<PushAnswer> {
  const said = gatherSaid()
  const inner = hasSideBand
    ? readPackets(demultiplex(packets, { onProgress: (text) => said.add(text) }), { maxBytes: maxReportBytes })
    : packets
  const report = parseReport(await reportLines(inner).catch(withSaid(said)), ref)
  await readRest(inner)
  return { report, said: said.lines() }
}

/** Understands a report on `ref` alone; whatever is not exactly one is `remote_invalid`. */
export function parseReport(lines: readonly string[], ref: string): PushReport {
  const [unpack, status, ...others] = lines
  if (unpack?.startsWith('unpack ') !== true) throw invalid('it does not begin with what became of the pack')
  if (others.length > 0) throw invalid('it is about more than one ref')
  const unpackReason = unpack === 'unpack ok' ? null : unpack.slice('unpack '.length)
  const refusal = status === undefined ? undefined : refusalOf(status, ref)
  if (unpackReason !== null) {
    if (refusal === null) throw invalid('it contradicts itself')
    return { kind: 'not-unpacked', reason: unpackReason }
  }
  if (refusal === undefined) throw invalid('it does not say what became of the ref')
  return refusal === null ? { kind: 'moved' } : { kind: 'refused', reason: refusal }
}

/** Why a ref was not moved; `null` where it was. */
function refusalOf(status: string, ref: string): string | null {
  if (status === `ok ${ref}`) return null
  if (status === `ng ${ref}`) return ''
  if (status.startsWith(`ng ${ref} `)) return status.slice(`ng ${ref} `.length)
  throw invalid('it names another ref than the one asked for')
}

async function reportLines(packets: AsyncIterator<Packet>): Promise<readonly string[]> {
  const lines: string[] = []
  for (;;) {
    const next = await packets.next()
    if (next.done) throw new AppError('remote_failed', 'Cannot push: the server ended without a report')
    const text = packetText(next.value)
    if (text === null) return lines
    lines.push(text)
    if (lines.length > 2) throw invalid('it is about more than one ref')
  }
}

/** Hooks that run afterwards have something to say too. */
async function readRest(packets: AsyncGenerator<Packet, void, void>): Promise<void> {
  try {
    for (let next = await packets.next(); !next.done;) next = await packets.next()
  } catch {
    // The report was whole. That the rest breaks off, falls silent or nobody waits for it does not undo what it says.
  }
}

/** A server that gives up tells why in what it said before. */
function withSaid(said: Said): (error: unknown) => never {
  return (error) => {
    const lines = said.lines()
    if (!hasCode(error, 'remote_failed') || lines.length === 0) throw error
    const last = error.details['said']
    const details = { ...error.details, said: typeof last === 'string' ? [...lines, last] : lines }
    throw new AppError(error.code, error.message, { details, cause: error })
  }
}

function invalid(fact: string): AppError {
  return new AppError('remote_invalid', `Cannot read the report on the push: ${fact}`)
}
