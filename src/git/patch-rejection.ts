import { AppError } from '../core/errors.ts'
import { exactBytes, type ExactText } from './bytes.ts'
import { gitFailure } from './failure.ts'
import type { GitResult } from './run-git.ts'

const maxProblems = 100
const complaint = /^error: (?:patch failed: (.*):(\d+)|[^']*'(.*)'.*|(.*): .*)$/gm

/** Why `git apply` failed; where it is the patch's fault, `problems` name paths of it and lines of their files. */
export function patchRejection({ exitCode, stderr }: GitResult, paths: readonly ExactText[]): AppError {
  const failure = gitFailure({ subcommand: 'apply', exitCode, stderr })
  if (failure.code !== 'patch_rejected') return failure
  const patchLine = /\b(?:line |<stdin>:)(\d+)/.exec(stderr)?.[1]
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
  for (const [, failed, line, quoted, other] of stderr.matchAll(complaint)) {
    const name = failed ?? quoted ?? other ?? ''
    const path = known.get(name)
    if (path === undefined || found.has(name) || found.size >= maxProblems) continue
    found.set(name, { path, line: line === undefined ? null : Number(line) })
  }
  return [...found.values()]
}
