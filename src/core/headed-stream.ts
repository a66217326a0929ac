import { handOver, type HandOverOptions } from './hand-over.ts'

/** What comes first, and then as many chunks as there are. */
export interface Headed<Head> {
  readonly head: Head
  readonly content: AsyncIterableIterator<Uint8Array>
}

/**
 * Runs a piece of work that knows something first and hands over bytes afterwards, as fast as they are taken. Fails with
 * the work where that fails before it knows; its signal aborts when the reader leaves or falls silent.
 */
export async function headedStream<Head>(
  work: (
    give: { head(head: Head): Promise<void>; chunk(chunk: Uint8Array): Promise<void> },
    signal: AbortSignal,
  ) => Promise<void>,
  options: HandOverOptions,
): Promise<Headed<Head>> {
  type Step = { readonly head: Head } | { readonly chunk: Uint8Array }
  const steps = handOver<Step>(
    ({ give }, signal) => work({ head: (head) => give({ head }), chunk: (chunk) => give({ chunk }) }, signal),
    options,
  )
  const first = await steps.next()
  if (first.done === true || !('head' in first.value)) throw new Error('Cannot hand over a stream: it has no head')
  const { head } = first.value
  const content: AsyncIterableIterator<Uint8Array> = {
    async next() {
      const step = await steps.next()
      return step.done === true || !('chunk' in step.value)
        ? { done: true, value: undefined }
        : { value: step.value.chunk }
    },
    async return() {
      await steps.return?.()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
  return { head, content }
}
