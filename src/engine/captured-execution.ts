import type { Answer, Execution } from './contract.ts'

/** A program's run as one value, for whoever does not want its streams. */
export interface CapturedExecution {
  /** A signal is 128 + n. */
  readonly exitCode: number
  readonly signal: string | null
  readonly stdout: CapturedText
  readonly stderr: CapturedText
  /** Whether either stream was longer than what is kept. */
  readonly truncated: boolean
}

/** Text, or base64 where it is not UTF-8. */
export type CapturedText = string | { readonly base64: string }

/** What is kept of each stream. */
const keptBytes = 16 * 1024 * 1024

/** Waits for a program and keeps the beginning of its streams. */
export async function capturedExecution({ running, receipt: ending }: Execution): Promise<Answer<CapturedExecution>> {
  const [stdout, stderr, exit, receipt] = await Promise.all([
    capture(running.stdout),
    capture(running.stderr),
    running.exit,
    ending,
  ])
  const truncated = stdout.isTruncated || stderr.isTruncated
  return {
    value: { exitCode: exit.code, signal: exit.signal, stdout: stdout.text, stderr: stderr.text, truncated },
    receipt,
  }
}

/** Reads a stream to its end and keeps its beginning. */
export async function capture(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes = keptBytes,
): Promise<{ readonly text: CapturedText; readonly isTruncated: boolean }> {
  const kept: Uint8Array[] = []
  let size = 0
  let isTruncated = false
  for await (const chunk of chunks) {
    const part = chunk.subarray(0, maxBytes - size)
    if (part.length < chunk.length) isTruncated = true
    // A part that is empty would still hold the whole chunk.
    if (part.length > 0) kept.push(part)
    size += part.length
  }
  return { text: textOf(Buffer.concat(kept)), isTruncated }
}

/** Bytes as text where they are UTF-8. */
export function textOf(bytes: Buffer): CapturedText {
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? text : { base64: bytes.toString('base64') }
}
