import { AppError, type ErrorCode } from '../core/errors.ts'

/** The error for a service that cannot be asked, or whose answer broke off. */
export function connectionFailure(cause: unknown): AppError {
  if (cause instanceof AppError) return cause
  const system = codeOf(cause)
  const [code, fact] = meaningOf(system)
  return new AppError(code, `Cannot ask the service: ${fact}`, { details: { cause: system }, cause })
}

function meaningOf(system: string): [ErrorCode, string] {
  if (/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EHOSTDOWN|ENETDOWN|ETIMEDOUT)$/.test(system))
    return ['service_unreachable', 'nobody answers at its address']
  if (/^(ENOTFOUND|EAI_)/.test(system)) return ['service_unreachable', 'the name of its host is unknown']
  if (/CERT|SIGNATURE|ISSUER|ALTNAME|^(ERR_TLS|ERR_SSL|EPROTO$)/.test(system))
    return ['service_unreachable', 'its certificate or TLS is not valid']
  if (/^ERR_(INVALID_CHAR|HTTP_INVALID_HEADER)/.test(system))
    return ['input_invalid', 'a header would hold characters that none may']
  if (system.startsWith('HPE_')) return ['service_failed', 'it does not speak proper HTTP']
  return ['service_lost', 'the connection broke before the answer was whole']
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
}
