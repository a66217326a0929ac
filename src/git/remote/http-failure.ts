import { AppError, type ErrorCode } from '../../core/errors.ts'
import type { Service } from './advertisement.ts'

/** The error for an answer that is not 200; the server's own words are not repeated. */
export function statusFailure(
  status: number,
  {
    host,
    hasCredential,
    service,
  }: { readonly host: string; readonly hasCredential: boolean; readonly service: Service },
): AppError {
  const [code, fact] = meaningOf(status, hasCredential)
  const action = service === 'upload-pack' ? 'read from' : 'push to'
  return new AppError(code, `Cannot ${action} ${host}: ${fact}`, { details: { host, status, hasCredential } })
}

/** The error for a connection that was not made or broke. */
export function connectionFailure(cause: unknown, host: string): AppError {
  if (cause instanceof AppError) return cause
  const system = codeOf(cause)
  const [code, fact] = connectionMeaningOf(system)
  return new AppError(code, `Cannot reach ${host}: ${fact}`, { details: { host, cause: system }, cause })
}

/** Whether a reused connection was closed by the server before it answered: the request may be sent anew. */
export function isConnectionReset(cause: unknown): boolean {
  return ['ECONNRESET', 'EPIPE'].includes(codeOf(cause))
}

function meaningOf(status: number, hasCredential: boolean): [ErrorCode, string] {
  if (status === 401) {
    return ['auth_required', hasCredential ? 'the server refuses the credential' : 'the server asks for a credential']
  }
  if (status === 403) return ['access_denied', 'the server refuses access']
  if (status === 404 || status === 410) return ['repo_not_found', 'there is no such repository']
  if (status >= 300 && status < 400) return ['remote_redirected', 'the server redirects elsewhere']
  if (status === 408 || status === 504) return ['remote_timeout', `the server answers ${status}`]
  if (status === 429 || status >= 500) return ['remote_failed', `the server answers ${status}`]
  return ['remote_invalid', `the server answers ${status}`]
}

function connectionMeaningOf(system: string): [ErrorCode, string] {
  if (/^(ENOTFOUND|EAI_)/.test(system)) return ['host_unknown', 'the name is unknown']
  if (system === 'ETIMEDOUT') return ['remote_timeout', 'it does not answer in time']
  if (/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EHOSTDOWN|ENETDOWN)$/.test(system)) {
    return ['remote_unreachable', 'the connection is refused']
  }
  if (/^(HPE_|ERR_HTTP|ERR_INVALID_CHAR)/.test(system)) return ['remote_invalid', 'it does not speak proper HTTP']
  if (/CERT|SIGNATURE|ISSUER|ALTNAME|^(ERR_TLS|ERR_SSL|EPROTO$)/.test(system)) {
    return ['tls_invalid', 'its certificate or TLS is not valid']
  }
  return ['remote_failed', 'the connection broke']
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
}
