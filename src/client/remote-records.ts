import type { AnswerRecord, AnswerRecords, RequestOptions } from '../engine/contract.ts'
import type { Question, RemoteService } from './remote-service.ts'

/** The records of an answer, asked for with the first; who leaves ends what is under way. */
export function remoteRecords(
  service: RemoteService,
  ask: (options: RequestOptions) => Promise<Question>,
  options: RequestOptions,
): AnswerRecords {
  const leaving = new AbortController()
  const { signal = leaving.signal, onProgress } = options

  async function* read(): AsyncGenerator<AnswerRecord, undefined, undefined> {
    const question = await ask({ ...options, signal: AbortSignal.any([signal, leaving.signal]) })
    for await (const each of await service.records(question)) {
      const record = each as AnswerRecord
      if (record.type === 'progress') onProgress?.(record.progress)
      yield record
    }
    return undefined
  }

  const records = read()
  return {
    next: () => records.next(),
    async return() {
      // A record may be asked for already, and would not come before the service has made it.
      leaving.abort()
      return records.return(undefined)
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
