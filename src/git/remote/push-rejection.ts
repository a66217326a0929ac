import { AppError } from '../../core/errors.ts'
import { printable } from './printable.ts'
import type { PushAnswer } from './push-report.ts'

/** Why a server does not move a ref, as far as its words tell. */
export type RejectionReason = 'non_fast_forward' | 'hook_declined' | 'protected' | 'unpack_failed' | 'other'

/** The words of git's own `receive-pack` and of the great hosts, the first that fits. */
const rules: readonly (readonly [RegExp, RejectionReason | 'moved'])[] = [
  [/non-fast-forward/i, 'non_fast_forward'],
  [/missing necessary objects|bad pack|unpack|shallow update|invalid new value/i, 'unpack_failed'],
  [/protected|checked out|hidden ref|prohibited|not permitted|not allowed|rule violation/i, 'protected'],
  [/hook/i, 'hook_declined'],
  [/failed to update ref|fetch first|cannot lock ref|incorrect old value|already exists|does not exist/i, 'moved'],
]

/** Where `a` is a ref there can be no `a/b`: that is said in git's words on the side only, and will not pass. */
const nameConflict = /exists; cannot create|refname conflict/

/** Finds the error for a report that is not good news. */
export function rejection(ref: string, old: string | null, { report, said }: PushAnswer): AppError {
  const reason = report.kind === 'moved' ? '' : printable(report.reason)
  const lines = [reason, ...said].filter((line) => line !== '')
  if (report.kind === 'not-unpacked') return rejected(ref, 'unpack_failed', { said: lines })
  const found = rules.find(([words]) => words.test(reason))?.[1] ?? 'other'
  if (found !== 'moved') return rejected(ref, found, { said: lines })
  return lines.some((line) => nameConflict.test(line))
    ? rejected(ref, 'other', { said: lines })
    : moved(ref, { expected: old, said: lines })
}

/** The server does not take what is pushed; asking again would not help. */
export function rejected(
  ref: string,
  reason: RejectionReason,
  { fact = facts[reason], said = [] }: { readonly fact?: string; readonly said?: readonly string[] },
): AppError {
  return new AppError('push_rejected', `Cannot push to ${shown(ref)}: ${fact}`, { details: { ref, reason, said } })
}

/** The ref is or was not where the caller believes it to be; ids, or `null` for a ref that does not exist. */
export function moved(ref: string, details: Readonly<Record<string, unknown>>): AppError {
  return new AppError('ref_moved', `Cannot push to ${shown(ref)}: it is not where it was expected to be`, {
    details: { ref, ...details },
  })
}

const facts: Readonly<Record<RejectionReason, string>> = {
  non_fast_forward: 'the server takes only commits that follow on those it has',
  hook_declined: 'a hook of the server declined it',
  protected: 'the server protects it',
  unpack_failed: 'the server could not take in the objects',
  other: 'the server refuses it',
}

function shown(ref: string): string {
  return printable(ref, 200)
}
