import { text } from 'node:stream/consumers'
import { AppError, catalog, type ErrorCode, type Problem } from '../core/errors.ts'
import type { ServiceAnswer } from './exchange.ts'

/** What an error was read from; it is that error's cause. */
interface Refusal {
  readonly status: number
  /** How long the service asks to wait; `null` where it says nothing of it. */
  readonly retryAfterMs: number | null
}

/** The error that a problem document tells, as the engine threw it. */
export function errorOf(problem: unknown, refusal?: Refusal): AppError {
  const { code, title, details, status } = (problem ?? {}) as Partial<Problem>
  if (!isCode(code) || typeof title !== 'string') {
    const known = { status: refusal?.status ?? status ?? null, ...(typeof code === 'string' ? { code } : {}) }
    const fact = typeof title === 'string' ? title : `its answer is not understood (status ${known.status})`
    return new AppError('service_failed', `Cannot use the service: ${fact}`, { details: known, cause: refusal })
  }
  return new AppError(code, title, { ...(isObject(details) ? { details } : {}), cause: refusal })
}

/** Reads why the service refused. */
export async function refused({ status, headers, body }: ServiceAnswer): Promise<AppError> {
  const seconds = /^\d{1,6}$/.exec(headers['retry-after'] ?? '')?.[0]
  const refusal: Refusal = { status, retryAfterMs: seconds === undefined ? null : Number(seconds) * 1000 }
  const isProblem = /^application\/(?:problem\+)?json\b/.test(headers['content-type'] ?? '')
  const said = await text(body)
  return errorOf(isProblem ? parsed(said) : null, refusal)
}

/** How long the service asked to wait before the request is sent again; `null` where it said nothing of it. */
export function retryAfterMsOf({ cause }: AppError): number | null {
  return isObject(cause) && typeof cause['retryAfterMs'] === 'number' ? cause['retryAfterMs'] : null
}

/** A JSON answer; throws `service_failed` where it is none. */
export async function jsonOf({ status, body }: ServiceAnswer): Promise<unknown> {
  const value = parsed(await text(body))
  if (value === undefined) throw errorOf(null, { status, retryAfterMs: null })
  return value
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown
  } catch {
    // Something else answers there: a proxy, another program.
    return undefined
  }
}

function isCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(catalog, code)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
