import { AppError } from './errors.ts'

/**
 * Runs `fn` with a signal that aborts when `deadlineMs` have passed (reason `deadline_exceeded`) or when `signal` does
 * (reason `canceled`, unless its own reason is an AppError already). Returns only after `fn` has.
 */
export async function withDeadline<T>(
  deadlineMs: number,
  signal: AbortSignal | undefined,
  fn: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const cancel = (): void => controller.abort(asCanceled(signal?.reason))
  const expire = (): void =>
    controller.abort(new AppError('deadline_exceeded', `Cannot finish in time: ${deadlineMs} ms have passed`))
  if (signal?.aborted) cancel()
  signal?.addEventListener('abort', cancel, { once: true })
  const timer = setTimeout(expire, deadlineMs)
  try {
    controller.signal.throwIfAborted()
    return await fn(controller.signal)
  } catch (error) {
    // What broke because of the abort (an AbortError, a closed pipe) tells less than why it was aborted.
    throw controller.signal.aborted && !(error instanceof AppError) ? controller.signal.reason : error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', cancel)
  }
}

/** The reason of an aborted signal as an AppError: its own, or `canceled`. */
export function asCanceled(reason: unknown): AppError {
  if (reason instanceof AppError) return reason
  return new AppError('canceled', 'Cannot finish: the caller gave up', { cause: reason })
}
