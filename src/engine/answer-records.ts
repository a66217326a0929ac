import { handOver } from '../core/hand-over.ts'
import type { Answer, AnswerRecord, AnswerRecords, Receipt, RequestOptions } from './contract.ts'

/** What an answer that is being made tells its reader. */
export interface Recorder {
  /** What a receipt would say by now; it is told with the first record. */
  know(receipt: Partial<Receipt>): void
  /** Tells, once, that the answer has begun: from here on a failure is a record. */
  begin(): void
  /** Resolves when the reader has taken it. */
  item(value: unknown): Promise<void>
  /** Items told so far. */
  readonly itemCount: number
}

/** An answer as records, made as they are read; `make` is given options that end when the reader does. */
export function answerRecords(
  options: RequestOptions,
  { silenceMs }: { readonly silenceMs: number },
  make: (options: RequestOptions, recorder: Recorder) => Promise<Answer<unknown>>,
): AnswerRecords {
  return handOver<AnswerRecord>(
    async ({ give, offer }, leaving) => {
      let known: Partial<Receipt> | null = null
      let hasBegun = false
      let itemCount = 0

      function begin(): void {
        if (hasBegun) return
        hasBegun = true
        give({ type: 'start', ...(known === null ? {} : { receipt: known }) }).catch(() => {
          // A reader who is gone ends all else.
        })
      }

      const recorder: Recorder = {
        know: (receipt) => void (known = receipt),
        begin,
        item(value) {
          itemCount += 1
          return give({ type: 'item', value })
        },
        get itemCount() {
          return itemCount
        },
      }
      const signal = options.signal === undefined ? leaving : AbortSignal.any([options.signal, leaving])
      const onProgress: RequestOptions['onProgress'] = (progress) => {
        begin()
        offer({ type: 'progress', progress })
        options.onProgress?.(progress)
      }
      const { value, receipt } = await make({ ...options, signal, onProgress }, recorder)
      begin()
      await give({ type: 'end', value, receipt })
    },
    { silenceMs },
  )
}
