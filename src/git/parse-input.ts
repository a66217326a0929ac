import type { z } from 'zod'
import { AppError, catalog, type ErrorCode } from '../core/errors.ts'

/** Parses an operation's input strictly; throws `path_invalid`, `ref_invalid` or `input_invalid` with the issues in `details`. */
export function parseInput<Input extends z.ZodType>(
  operation: { readonly name: string; readonly input: Input },
  input: unknown,
): z.output<Input> {
  const parsed = operation.input.safeParse(input)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map((issue) => ({ field: issue.path.join('.'), problem: issue.message }))
  const code = parsed.error.issues.map(codeOf).find((found) => found !== null) ?? 'input_invalid'
  const first = parsed.error.issues.findIndex((issue) => (codeOf(issue) ?? 'input_invalid') === code)
  const { field = '', problem = 'input is invalid' } = issues[first] ?? {}
  throw new AppError(code, `Cannot run ${operation.name}: ${field === '' ? '' : `${field}: `}${problem}`, {
    details: { issues },
  })
}

function codeOf(issue: z.core.$ZodIssue): ErrorCode | null {
  const code: unknown = issue.code === 'custom' ? issue.params?.['code'] : null
  return typeof code === 'string' && code in catalog ? (code as ErrorCode) : null
}
