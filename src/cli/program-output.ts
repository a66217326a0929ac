import type { Writable } from 'node:stream'
import { write } from './terminal.ts'

/** What `--json` keeps of a stream: text, or base64 where it is not UTF-8. */
export interface Captured {
  readonly text: string | { readonly base64: string }
  readonly isTruncated: boolean
}

const keptBytes = 16 * 1024 * 1024

/** Reads a stream to its end and keeps its beginning. */
export async function capture(chunks: AsyncIterable<Uint8Array>, maxBytes = keptBytes): Promise<Captured> {
  const kept: Uint8Array[] = []
  let size = 0
  let isTruncated = false
  for await (const chunk of chunks) {
    const part = chunk.subarray(0, maxBytes - size)
    if (part.length < chunk.length) isTruncated = true
    kept.push(part)
    size += part.length
  }
  return { text: textOf(Buffer.concat(kept)), isTruncated }
}

/** Passes a stream on as it comes, as fast as the reader takes it; `onGone` is called once if the reader leaves. */
export async function forward(chunks: AsyncIterable<Uint8Array>, to: Writable, onGone: () => void): Promise<void> {
  let isGone = false
  for await (const chunk of chunks) {
    if (isGone || (await write(to, chunk))) continue
    isGone = true
    onGone()
  }
}

function textOf(bytes: Buffer): Captured['text'] {
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? text : { base64: bytes.toString('base64') }
}
