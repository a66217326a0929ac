import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { AppError, toProblem } from '../core/errors.ts'

/** Answers what is no request, or none in time, and ends the connection; there is no route yet that could. */
export function refuseBroken({ code }: { readonly code?: string }, socket: Socket): void {
  if (socket.destroyed) return
  // What is being answered must not find another answer in its middle.
  const { _httpMessage: answer } = socket as { _httpMessage?: { readonly headersSent: boolean } | null }
  if (code !== 'ECONNRESET' && socket.writable && answer?.headersSent !== true) socket.write(problemOf(code))
  socket.destroySoon()
}

function problemOf(code: string | undefined): string {
  const problem = toProblem(failureOf(code))
  const body = JSON.stringify(problem)
  return [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n')
}

function failureOf(code: string | undefined): AppError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new AppError('request_too_slow', 'Cannot take the request: it did not arrive in time')
  if (code === 'HPE_HEADER_OVERFLOW')
    return new AppError('headers_too_large', 'Cannot take the request: its headers are too large')
  return new AppError('input_invalid', 'Cannot understand the request: it is not HTTP')
}
