import { AppError } from '../core/errors.ts'

/** A revision taken apart: a name the remote can be asked for, and steps from there. */
export interface Revision {
  /** HEAD, a full ref name, a branch or tag, or a full commit id. */
  readonly ref: string
  /** What follows the ref, such as `~3^2`; may be empty. */
  readonly steps: string
  /** Generations that must be present to take the steps; 1 = the ref's commit alone. */
  readonly depth: number
}

const maxNameBytes = 1024
const maxDepth = 1_000_000

/** Whether text is a full object id, SHA-1 or SHA-256, in git's lower case. */
export function isOid(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)
}

/** Takes a revision apart; throws `ref_invalid`. */
export function parseRevision(text: string): Revision {
  const problem = revisionProblem(text)
  if (problem !== null) {
    throw new AppError('ref_invalid', `Cannot use the revision: ${problem}`, {
      details: { revision: text.slice(0, 200) },
    })
  }
  const { name, steps } = split(text)
  return { ref: isOid(name.toLowerCase()) ? name.toLowerCase() : name, steps, depth: depthOf(steps) }
}

/** Why text can be no revision anywhere; what else a remote or a workspace understands, it says itself. */
export function revisionTextProblem(text: string): string | null {
  if (text === '') return 'it is empty'
  if (!text.isWellFormed()) return 'it is not well-formed Unicode'
  if (Buffer.byteLength(text) > maxNameBytes) return `it is longer than ${maxNameBytes} bytes`
  if (text.startsWith('-')) return 'it starts with "-"'
  // eslint-disable-next-line no-control-regex
  return /[\u0000-\u001f\u007f]/.test(text) ? 'it contains a control character' : null
}

/** Why a revision is refused by a remote; `null` where it is fine. */
export function revisionProblem(text: string): string | null {
  const { name, steps } = split(text)
  if (!/^(?:[~^][0-9]{0,7})*$/.test(steps)) return 'only ~n and ^n may follow the name'
  if (depthOf(steps) > maxDepth) return `it goes back more than ${maxDepth} generations`
  return refProblem(name)
}

/** Why a ref name is refused, by the rules of git check-ref-format and no leading "-"; `null` where it is fine. */
export function refProblem(name: string): string | null {
  if (name === '') return 'the name is empty'
  if (!name.isWellFormed()) return 'the name is not well-formed Unicode'
  if (Buffer.byteLength(name) > maxNameBytes) return `the name is longer than ${maxNameBytes} bytes`
  if (name.startsWith('-')) return 'the name starts with "-"'
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007f]/.test(name)) return 'the name contains a space or a control character'
  const bad = /[~^:?*[\\]|\.\.|@\{/.exec(name)
  if (bad) return `the name contains "${bad[0]}"`
  if (name === '@') return 'the name is "@"'
  if (/^\/|\/$|\/\//.test(name)) return 'the name has an empty part'
  if (name.endsWith('.')) return 'the name ends with "."'
  if (/(?:^|\/)\./.test(name)) return 'a part of the name starts with "."'
  if (/\.lock(?:\/|$)/.test(name)) return 'a part of the name ends with ".lock"'
  return null
}

/** Why the short name of a branch or tag is refused: also what git would take for something else; `null` where it is fine. */
export function shortNameProblem(name: string): string | null {
  if (name.startsWith('refs/')) return 'the name starts with "refs/"'
  if (isOid(name.toLowerCase())) return 'the name looks like a commit id'
  // HEAD, MERGE_HEAD and their like are where git keeps its own state.
  if (/^(?:[A-Z_]+_)?HEAD$/.test(name)) return 'the name is one of git itself'
  return refProblem(name)
}

/** The full commit id that the engine put in the place of a revision; anything else is a defect. */
export function resolved(revision: string | null): string {
  if (revision === null || !isOid(revision))
    throw new AppError('internal', 'Cannot run git: a revision was not resolved')
  return revision
}

/** The id of a revision that this action cannot do without. */
export function given(revision: string | null, action: string): string {
  if (revision !== null) return resolved(revision)
  throw new AppError('input_invalid', `Cannot ${action}: no revision is given`)
}

function split(text: string): { name: string; steps: string } {
  const at = text.search(/[~^]/)
  return at < 0 ? { name: text, steps: '' } : { name: text.slice(0, at), steps: text.slice(at) }
}

function depthOf(steps: string): number {
  let depth = 1
  for (const [, kind, digits] of steps.matchAll(/([~^])(\d*)/g)) {
    const count = digits === '' ? 1 : Number(digits)
    // ^2 and ^1 both go back one generation, ^0 none.
    depth += kind === '~' ? count : Math.min(count, 1)
  }
  return depth
}
