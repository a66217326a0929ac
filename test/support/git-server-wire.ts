import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'

/** One pkt-line with its length in front. */
export function packet(text: string): string {
  return (text.length + 4).toString(16).padStart(4, '0') + text
}

/** Passes on so many bytes, then breaks the connection. */
export async function* cutAfter(chunks: AsyncIterable<Buffer>, bytes: number, response: ServerResponse) {
  let left = bytes
  for await (const chunk of chunks) {
    yield chunk.subarray(0, left)
    left -= chunk.length
    if (left > 0) continue
    // The bytes passed on so far must have left before the connection is torn down.
    await new Promise<void>((resolve) => response.write('', () => resolve()))
    response.destroy()
    return
  }
}

/** Text without end. */
export function endless(head: string, next: (round: number) => string | Buffer): Readable {
  function* chunks() {
    yield Buffer.from(head, 'latin1')
    for (let round = 0; ; round += 1) {
      const chunk = next(round)
      yield typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk
    }
  }
  return Readable.from(chunks(), { objectMode: false, highWaterMark: 1 << 16 })
}

/** Sends as fast as it is read, until the other side goes. */
export function send(source: Readable, response: ServerResponse, through?: NodeJS.ReadWriteStream) {
  response.on('close', () => source.destroy())
  const last = through ? source.pipe(through) : source
  last.pipe(response)
}
