import { AppError, catalog, toProblem } from '../core/errors.ts'
import { escapeText } from '../core/escape.ts'

export const exitCodes = { ok: 0, failed: 1, usage: 2, hostUnable: 3, ownFailure: 125, interrupted: 130 } as const

/** The exit code of a failure; what the caller wrote wrongly is usage. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof AppError)) return exitCodes.failed
  if (error.code === 'host_unable') return exitCodes.hostUnable
  const isUsage = catalog[error.code].status === 400 || error.code === 'operation_unknown'
  return isUsage ? exitCodes.usage : exitCodes.failed
}

/** The failure as one JSON line, or as a sentence and what to do about it. */
export function renderProblem(error: unknown, { isJson }: { isJson: boolean }): string {
  const problem = toProblem(error)
  if (isJson) return `${JSON.stringify(problem)}\n`
  // A defect is only ever mended by who sees where it happened.
  const trace = error instanceof AppError ? '' : `\n${error instanceof Error ? error.stack : String(error)}`
  return escapeText(`forkyard: ${problem.title}\n  ${problem.hint}${trace}\n`)
}
