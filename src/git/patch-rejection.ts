import { AppError } from '../core/errors.ts'
import { exactBytes, type ExactText } from './bytes.ts'
import { gitFailure } from './failure.ts'
import type { GitResult } from './run-git.ts'

const maxProblems = 100
const error = 'error: '
const failed = 'patch failed: '

/** Why `git apply` failed; where it is the patch's fault, `problems` name paths of it and lines of their files. */
export function patchRejection({ exitCode, stderr }: GitResult, paths: readonly ExactText[]): AppError {
  const failure = gitFailure({ subcommand: 'apply', exitCode, stderr })
  if (failure.code !== 'patch_rejected') return failure
  const patchLine = /\b(?:line |<stdin>:)(\d{1,15})/.exec(stderr)?.[1]
  const details = {
    ...failure.details,
    problems: problemsIn(stderr, paths),
    patchLine: patchLine === undefined ? null : Number(patchLine),
    // With what the patch was made from, a merge might have succeeded.
    isAncestorMissing: stderr.includes('lacks the necessary blob'),
  }
  return new AppError('patch_rejected', 'Cannot apply the patch: it does not fit', { details })
}

/** Git does not quote names here, so only those that the patch has are believed. */
function problemsIn(stderr: string, paths: readonly ExactText[]): readonly { path: ExactText; line: number | null }[] {
  const known = new Map(paths.map((path) => [exactBytes(path).toString('utf8'), path]))
  const found = new Map<string, { path: ExactText; line: number | null }>()
  for (const text of stderr.split('\n')) {
    if (!text.startsWith(error)) continue
    const { name, line } = complaint(text.slice(error.length))
    const path = known.get(name)
    if (path === undefined || found.has(name) || found.size >= maxProblems) continue
    found.set(name, { path, line })
  }
  return [...found.values()]
}

/**
 * What one line names: `patch failed: NAME:LINE`, a name in quotes, or one with a fact behind it. Names hold anything, so
 * each is as long as it can be; said with a pattern, that would take the square of the line's length.
 */
function complaint(text: string): { readonly name: string; readonly line: number | null } {
  const colon = text.lastIndexOf(':')
  const line = text.slice(colon + 1)
  if (text.startsWith(failed) && colon >= failed.length && /^\d{1,15}$/.test(line)) {
    return { name: text.slice(failed.length, colon), line: Number(line) }
  }
  const [first, last] = [text.indexOf("'"), text.lastIndexOf("'")]
  return { name: first < last ? text.slice(first + 1, last) : text.slice(0, text.lastIndexOf(': ')), line: null }
}
