import type { z } from 'zod'
import { AppError, catalog, type ErrorCode } from '../core/errors.ts'

/** What is told of an input that is wrong in many ways. */
const maxIssues = 20
const maxProblemLength = 300

/** Parses an operation's input strictly; throws `path_invalid`, `ref_invalid` or `input_invalid` with the issues in `details`. */
export function parseInput<Input extends z.ZodType>(
  operation: { readonly name: string; readonly input: Input },
  input: unknown,
): z.output<Input> {
  const parsed = operation.input.safeParse(input)
  if (parsed.success) return parsed.data
  const code = parsed.error.issues.map(codeOf).find((found) => found !== null) ?? 'input_invalid'
  const first = parsed.error.issues.find((issue) => (codeOf(issue) ?? 'input_invalid') === code)
  const { field, problem } = first === undefined ? { field: '', problem: 'input is invalid' } : told(first)
  const issues = parsed.error.issues.slice(0, maxIssues).map(told)
  throw new AppError(code, `Cannot run ${operation.name}: ${field === '' ? '' : `${field}: `}${problem}`, {
    details: { issues },
  })
}

function told({ path, message }: z.core.$ZodIssue): { readonly field: string; readonly problem: string } {
  const cut = (text: string): string => (text.length > maxProblemLength ? `${text.slice(0, maxProblemLength)}…` : text)
  return { field: cut(path.join('.')), problem: cut(message) }
}

function codeOf(issue: z.core.$ZodIssue): ErrorCode | null {
  const code: unknown = issue.code === 'custom' ? issue.params?.['code'] : null
  return typeof code === 'string' && code in catalog ? (code as ErrorCode) : null
}
