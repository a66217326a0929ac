import type { Writable } from 'node:stream'
import { write } from './terminal.ts'

/** Passes a stream on as it comes, as fast as the reader takes it; `onGone` is called once if the reader leaves. */
export async function forward(chunks: AsyncIterable<Uint8Array>, to: Writable, onGone: () => void): Promise<void> {
  let isGone = false
  for await (const chunk of chunks) {
    if (isGone || (await write(to, chunk))) continue
    isGone = true
    onGone()
  }
}
