import type { Writable } from 'node:stream'
import { escapeText } from '../core/escape.ts'

/** The two streams a command speaks on. */
export interface Terminal {
  readonly stdout: Writable & { readonly isTTY?: boolean }
  readonly stderr: Writable & { readonly isTTY?: boolean }
}

/** Writes and waits until the stream has taken it; false where the reader is gone. */
export async function write(stream: Writable, chunk: string | Uint8Array): Promise<boolean> {
  if (chunk.length === 0) return true
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  stream.write(chunk, (error) => {
    if (!error) resolve(true)
    // A reader that has seen enough, such as head(1), is no failure.
    else if (['EPIPE', 'ERR_STREAM_DESTROYED'].includes((error as NodeJS.ErrnoException).code ?? '')) resolve(false)
    else reject(error)
  })
  return await promise
}

/** Text that may hold foreign bytes: raw into a pipe or file, harmless on a terminal. */
export async function writeText(stream: Terminal['stdout'], text: string): Promise<boolean> {
  const whole = text === '' || text.endsWith('\n') ? text : `${text}\n`
  return await write(stream, stream.isTTY === true ? escapeText(whole) : whole)
}

/** A stream error has been told to the writer already; unheard it would end the process. */
export function ignoreStreamErrors(terminal: Terminal): void {
  terminal.stdout.on('error', () => {})
  terminal.stderr.on('error', () => {})
}
