import { Readable } from 'node:stream'
import { asCanceled } from '../core/deadline.ts'
import { AppError } from '../core/errors.ts'

/** As base64 it fits into a request with room for the other fields. */
const MAX_INPUT_BYTES = 5 * 1024 * 1024

/** Collects what a program is to read: over HTTP it has to be there before the program starts. */
export async function wholeInput(stdin: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of Readable.from(stdin, { signal })) {
      chunks.push(chunk as Uint8Array)
      bytes += (chunk as Uint8Array).length
      if (bytes > MAX_INPUT_BYTES)
        throw new AppError(
          'body_too_large',
          `Cannot run exec: over HTTP a program's input has at most ${MAX_INPUT_BYTES} bytes`,
        )
    }
  } catch (error) {
    throw signal.aborted ? asCanceled(signal.reason) : error
  }
  return Buffer.concat(chunks)
}
