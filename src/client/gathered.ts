import { AppError } from '../core/errors.ts'
import type { Progress } from '../core/progress.ts'
import type { ServiceRecord } from './service-records.ts'

/** The answer that records make together, as it would have come in one piece; `list` is the field that lists the items. */
export async function gathered(
  records: AsyncIterable<ServiceRecord>,
  { list, onProgress }: { readonly list: string | null; readonly onProgress: (progress: Progress) => void },
): Promise<unknown> {
  const items: unknown[] = []
  let answer: unknown
  for await (const record of records) {
    const { type, value, receipt, progress } = record
    if (type === 'progress') onProgress(progress as Progress)
    if (type === 'item') items.push(value)
    if (type === 'end')
      answer = { value: list === null ? value : { [list]: items, ...(value as object | null) }, receipt }
  }
  if (list === null && items.length > 0)
    throw new AppError('service_failed', 'Cannot use the service: it lists what this version has no list for')
  return answer
}
