import { hasCode } from '../core/errors.ts'

/** When objects are checked: while git takes them in, or by a command of its own once they are there. */
export type ObjectCheck = 'at once' | 'afterwards'

/** Flaws that old tools left in well-known repositories and that harm nobody, as git names them. */
const toleratedFlaws = ['badTimezone', 'missingSpaceBeforeDate', 'zeroPaddedFilemode'] as const

/** The check afterwards; `git fsck` can be told what to overlook. */
export const checkArgv: readonly string[] = [
  'git',
  ...toleratedFlaws.flatMap((flaw) => ['-c', `fsck.${flaw}=ignore`]),
  ...['fsck', '--full', '--no-dangling', '--no-progress'],
]

/**
 * Brings objects checked at once, and where that stops at a flaw that is tolerated, anew and checked afterwards:
 * git before 2.44 cannot overlook anything while it takes in what is not whole.
 */
export async function withToleratedFlaws<T>(bring: (check: ObjectCheck) => Promise<T>): Promise<T> {
  try {
    return await bring('at once')
  } catch (error) {
    const stderr = hasCode(error, 'remote_invalid', 'git_failed') ? error.details['stderr'] : undefined
    if (typeof stderr !== 'string' || !stopsAtTolerated.test(stderr)) throw error
    return await bring('afterwards')
  }
}

const stopsAtTolerated = new RegExp(`^error: object [0-9a-f]{40,64}: (?:${toleratedFlaws.join('|')}): `, 'm')
