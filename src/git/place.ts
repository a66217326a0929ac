import { z } from 'zod'
import { AppError } from '../core/errors.ts'
import { escapeLine } from '../core/escape.ts'
import { shortOid } from './commit-record.ts'
import { oid } from './fields.ts'
import type { Head } from './head.ts'

/** Where HEAD is, in a value. */
export const place = z.strictObject({
  branch: z.string().nullable().meta({ description: 'Short name of the branch; null where HEAD is detached.' }),
  commit: oid.nullable().meta({ description: 'null where the branch has no commit yet.' }),
})

/** The commit HEAD is at, for what cannot begin from nothing. */
export function headCommit({ commit, branch }: Head, action: string): string {
  if (commit !== null) return commit
  throw new AppError('ref_not_found', `Cannot ${action}: HEAD is on a branch without commits`, { details: { branch } })
}

/** Where HEAD is, for people. */
export function plainPlace({ branch, commit }: z.output<typeof place>): string {
  const at = commit === null ? 'no commit' : shortOid(commit)
  return branch === null ? `detached at ${at}` : `${escapeLine(branch)} at ${at}`
}
