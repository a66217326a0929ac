import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { toProblem } from '../core/errors.ts'

/** One step of a long answer; the last is `end` or `error`, so that a stream that breaks off never looks complete. */
export type StreamRecord = { readonly type: string } & Readonly<Record<string, unknown>>

type RecordForm = 'ndjson' | 'sse'

const mediaTypes: Readonly<Record<RecordForm, string>> = {
  ndjson: 'application/x-ndjson',
  sse: 'text/event-stream',
}

/** For the description of routes. */
export const mayBeRecords = `With Accept: ${mediaTypes.ndjson} or ${mediaTypes.sse} as records, the last of which is end or error.`

/** The form in which a client asks for records; `null` where it wants one object. */
export function wantsRecords({ headers: { accept = '' } }: FastifyRequest): RecordForm | null {
  if (accept.includes(mediaTypes.sse)) return 'sse'
  return accept.includes(mediaTypes.ndjson) ? 'ndjson' : null
}

/**
 * Sends records as they come and as fast as the client takes them. Nothing is sent before there is a first one: what fails
 * until then is thrown, and answered as any failure.
 */
export async function sendRecords(
  reply: FastifyReply,
  records: AsyncIterableIterator<StreamRecord>,
  { form, silenceMs }: { readonly form: RecordForm; readonly silenceMs: number },
): Promise<FastifyReply> {
  const first = await records.next()
  const frame = form === 'sse' ? asEvent : asLine
  // How often a silent stream shows that it lives.
  const alive = withHeartbeat(first, records, silenceMs / 3)
  return reply
    .type(mediaTypes[form])
    .header('cache-control', 'no-store')
    .header('x-accel-buffering', 'no')
    .send(Readable.from(frames(alive, frame), { objectMode: false, highWaterMark: 64 * 1024 }))
}

async function* frames(
  records: AsyncIterable<StreamRecord>,
  frame: (record: StreamRecord) => string,
): AsyncGenerator<string> {
  try {
    for await (const record of records) yield frame(record)
  } catch (error) {
    yield frame({ type: 'error', problem: toProblem(error) })
  }
}

/** Adds a record where none came for a while: proxies cut what is silent. */
async function* withHeartbeat(
  first: IteratorResult<StreamRecord>,
  records: AsyncIterator<StreamRecord>,
  everyMs: number,
): AsyncGenerator<StreamRecord> {
  let next = Promise.resolve(first)
  try {
    for (;;) {
      const beat = Promise.withResolvers<null>()
      const timer = setTimeout(() => beat.resolve(null), everyMs)
      const found = await Promise.race([next, beat.promise]).finally(() => clearTimeout(timer))
      if (found === null) {
        yield { type: 'heartbeat' }
        continue
      }
      if (found.done === true) return
      yield found.value
      next = records.next()
    }
  } finally {
    next.catch(() => {
      // Nobody is there any more to be told.
    })
    await records.return?.()
  }
}

function asLine(record: StreamRecord): string {
  return `${JSON.stringify(record)}\n`
}

function asEvent({ type, ...data }: StreamRecord): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`
}
