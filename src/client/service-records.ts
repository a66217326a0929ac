import { AppError } from '../core/errors.ts'
import { errorOf } from './refusal.ts'

/** One step of a long answer. */
export type ServiceRecord = { readonly type: string } & Readonly<Record<string, unknown>>

const newline = 0x0a

/**
 * The records of an NDJSON answer up to `end`, heartbeats left out. What the service reports as an error is thrown, and
 * `service_lost` where the answer ends without having said so.
 */
export async function* serviceRecords(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServiceRecord, void> {
  const source = lines(body)
  for await (const line of source) {
    const record = recordOf(line)
    if (record.type === 'heartbeat') continue
    // Read to the end of the body a connection serves the next request; what is known already is not lost with it.
    if (record.type === 'error' || record.type === 'end') await source.next().catch(() => null)
    if (record.type === 'error') throw errorOf(record['problem'])
    yield record
    if (record.type === 'end') return
  }
  throw new AppError('service_lost', 'Cannot read on: the answer broke off before its end')
}

async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let parts: Uint8Array[] = []
  for await (const chunk of body) {
    let from = 0
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
      parts.push(chunk.subarray(from, at))
      from = at + 1
      yield Buffer.concat(parts).toString('utf8')
      parts = []
    }
    parts.push(chunk.subarray(from))
  }
}

function recordOf(line: string): ServiceRecord {
  try {
    const record: unknown = JSON.parse(line)
    if (typeof record === 'object' && record !== null && 'type' in record && typeof record.type === 'string')
      return record as ServiceRecord
  } catch {
    // Told below.
  }
  throw new AppError('service_failed', 'Cannot use the service: a record of its answer is not understood')
}
