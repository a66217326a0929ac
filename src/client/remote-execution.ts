import { asCanceled } from '../core/deadline.ts'
import { AppError } from '../core/errors.ts'
import type { Exit } from '../core/exec.ts'
import type { Execution, ProgramOptions, Receipt } from '../engine/contract.ts'
import { exactBytes, type ExactText } from '../git/bytes.ts'
import { channel, type Channel } from './channel.ts'
import type { RemoteService } from './remote-service.ts'
import type { ServiceRecord } from './service-records.ts'
import { wholeInput } from './whole-input.ts'

/** What of each stream is taken from the service before it was read. */
const MAX_UNREAD_BYTES = 256 * 1024

/**
 * Starts a program by a route and reads its records. Over HTTP it can only be ended: whatever signal it is sent, `exit`
 * and `receipt` fail with `canceled`.
 */
export async function remoteExecution(
  service: RemoteService,
  path: string,
  input: unknown,
  { stdin, signal: callers, ...options }: ProgramOptions,
): Promise<Execution> {
  const ending = new AbortController()
  const signal = callers === undefined ? ending.signal : AbortSignal.any([ending.signal, callers])
  const whole = stdin === undefined ? input : await withInput(input, stdin, signal)
  const records = await service.records({
    method: 'POST',
    path,
    input: whole,
    repeats: 'never',
    options: { ...options, signal },
  })
  const source = records[Symbol.asyncIterator]()
  // A program that could not be started fails here.
  const first = await source.next()

  const stdout = channel(MAX_UNREAD_BYTES)
  const stderr = channel(MAX_UNREAD_BYTES)
  // Readers learn of the end even while one of them keeps the records from being read on.
  const giveUp = (): void => {
    for (const each of [stdout, stderr]) each.fail(asCanceled(signal.reason))
  }
  signal.addEventListener('abort', giveUp, { once: true })
  const last = distributed(source, { stdout, stderr }).finally(() => signal.removeEventListener('abort', giveUp))
  const exit = last.then(exitOf)
  const receipt = last.then((record) => record['receipt'] as Receipt)
  // Who does not wait for one of them is not to hear of it otherwise.
  void Promise.allSettled([exit, receipt])
  return {
    running: {
      stdout: stdout.chunks,
      stderr: stderr.chunks,
      exit,
      signal: (name) => ending.abort(new AppError('canceled', `Cannot go on: the program was ended by ${name}`)),
    },
    known: first.done === true ? {} : (first.value['receipt'] ?? {}),
    receipt,
  }
}

/** Passes output to its channels, as fast as they are read, and returns the record at the end. */
async function distributed(
  source: AsyncIterator<ServiceRecord>,
  channels: Readonly<Record<'stdout' | 'stderr', Channel>>,
): Promise<ServiceRecord> {
  try {
    for (;;) {
      const found = await source.next()
      if (found.done === true) throw new AppError('service_lost', 'Cannot read on: the answer ended too early')
      const record = found.value
      if (record.type === 'end') {
        for (const each of Object.values(channels)) each.end()
        return record
      }
      if (record.type === 'stdout' || record.type === 'stderr')
        await channels[record.type].write(exactBytes(record['data'] as ExactText))
    }
  } catch (error) {
    for (const each of Object.values(channels)) each.fail(error)
    throw error
  }
}

function exitOf(record: ServiceRecord): Exit {
  const { exitCode, signal } = record['value'] as { readonly exitCode: number; readonly signal: string | null }
  return { code: exitCode, signal }
}

/** A program's input travels beside its other fields. */
async function withInput(input: unknown, stdin: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<unknown> {
  const bytes = await wholeInput(stdin, signal)
  return { ...(input as object), stdin: { base64: bytes.toString('base64') } }
}
