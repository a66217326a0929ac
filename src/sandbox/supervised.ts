import { setTimeout as pause } from 'node:timers/promises'
import { asCanceled } from '../core/deadline.ts'
import { AppError } from '../core/errors.ts'
import type { Command, Exit, Running } from '../core/exec.ts'

/** A process as a driver starts it, before deadlines and limits are put on it. */
export interface BareProcess {
  readonly stdout: AsyncIterable<Uint8Array>
  readonly stderr: AsyncIterable<Uint8Array>
  /**
   * Settles after the process is gone, and what it started is gone or being killed; what it said can still be read.
   * Rejects with what a limit of the sandbox ended it for.
   */
  readonly ended: Promise<Exit>
  signal(name: NodeJS.Signals): void
  /** Ends the whole process tree at once. */
  kill(): void
  /** Closes both streams: what is not read yet is lost. */
  discard(): void
}

/** What one stream is read at most a millisecond: a flood must leave this process, and a core, to others. */
const MAX_BYTES_PER_MS = 128 * 1024

/** How far a stream may be ahead of that rate; few outputs are longer than what comes in this time. */
const BURST_MS = 4

/**
 * Puts a command's deadline, output limit and cancellation on a process: whichever strikes first ends the whole
 * tree, and both `exit` and the streams then fail with the reason, so that a cut stream never looks complete.
 */
export function supervise(process: BareProcess, { signal, deadlineMs, maxOutputBytes }: Command): Running {
  let failure: unknown = null
  const fail = (reason: unknown): void => {
    if (failure !== null) return
    failure = reason
    process.kill()
    process.discard()
  }
  const cancel = (): void => fail(asCanceled(signal.reason))
  const expire = (): void =>
    fail(new AppError('deadline_exceeded', `Cannot finish in time: ${deadlineMs} ms have passed`))

  const timer = Number.isFinite(deadlineMs) ? setTimeout(expire, Math.min(deadlineMs, 2 ** 31 - 1)) : undefined
  if (signal.aborted) cancel()
  else signal.addEventListener('abort', cancel, { once: true })

  const exit = process.ended
    .catch((error: unknown) => {
      failure ??= error
    })
    .then((ended) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', cancel)
      if (failure !== null || !ended) throw failure
      return ended
    })
  // Who reads only the streams learns of the failure there; it must not become an unhandled rejection as well.
  exit.catch(() => {})

  async function* read(stream: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
    let bytes = 0
    let dueAt = 0
    try {
      for await (const chunk of stream) {
        if (failure !== null) break
        const room = maxBytes - bytes
        bytes += chunk.length
        if (chunk.length > room)
          fail(new AppError('output_limit', `Cannot return the output: more than ${maxBytes} bytes`))
        // What may be returned is, however the output came in pieces.
        yield chunk.length > room ? chunk.subarray(0, room) : chunk
        if (failure !== null) break
        const now = performance.now()
        dueAt = Math.max(dueAt, now) + chunk.length / MAX_BYTES_PER_MS
        if (dueAt > now + BURST_MS) await pause(dueAt - now)
      }
    } catch (error) {
      // A stream that was destroyed ends its reader with an error of its own, which says less than why.
      throw (
        failure ??
        (await exit.then(
          () => error,
          (reason: unknown) => reason,
        ))
      )
    }
    if (failure !== null) throw failure
  }

  return {
    stdout: read(process.stdout, maxOutputBytes),
    stderr: read(process.stderr, Infinity),
    exit,
    signal: (name) => process.signal(name),
  }
}
