import { AppError } from '../core/errors.ts'
import { exactBytes, type ExactText } from './bytes.ts'
import { pathProblem } from './path.ts'
import { isOid } from './revision.ts'

interface SubcommandFacts {
  /** Understands `--end-of-options` before its operands, in every supported git. */
  readonly hasEndOfOptions: boolean
  /** How paths follow: after `--`, or at once, where `--` behind `--end-of-options` would itself be a path. */
  readonly paths: 'after --' | 'at once' | 'none'
}

const both: SubcommandFacts = { hasEndOfOptions: true, paths: 'after --' }
const onlyEnd: SubcommandFacts = { hasEndOfOptions: true, paths: 'none' }
const onlyPaths: SubcommandFacts = { hasEndOfOptions: false, paths: 'after --' }
const neither: SubcommandFacts = { hasEndOfOptions: false, paths: 'none' }

/** The subcommands this project runs; anything else could be an alias that a repository chose. */
const subcommands = {
  add: onlyPaths,
  apply: neither,
  blame: onlyPaths,
  'cat-file': onlyEnd,
  checkout: onlyPaths,
  'check-ignore': neither,
  'cherry-pick': neither,
  clean: onlyPaths,
  commit: neither,
  config: neither,
  describe: onlyEnd,
  'diff-files': onlyPaths,
  'diff-index': both,
  'diff-tree': both,
  'for-each-ref': onlyEnd,
  grep: onlyPaths,
  'hash-object': neither,
  log: both,
  'ls-files': onlyPaths,
  'ls-tree': { hasEndOfOptions: true, paths: 'at once' },
  merge: neither,
  'merge-base': onlyEnd,
  'pack-objects': neither,
  'read-tree': neither,
  rebase: neither,
  reset: onlyPaths,
  restore: onlyPaths,
  'rev-list': both,
  'rev-parse': onlyEnd,
  revert: neither,
  'sparse-checkout': neither,
  stash: neither,
  status: onlyPaths,
  'symbolic-ref': neither,
  tag: neither,
  'update-ref': neither,
} as const satisfies Record<string, SubcommandFacts>

export type Subcommand = keyof typeof subcommands

export const subcommandNames: readonly string[] = Object.keys(subcommands)

export interface GitArguments {
  /** What a subcommand of several kinds is to do, such as `push` of `stash`: a literal that stands before all flags. */
  readonly action?: string
  /** Literals; a value rides after "=" or the letter, never as an argument of its own. */
  readonly flags?: readonly string[]
  /** Full object ids only. */
  readonly revisions?: readonly string[]
  /** Words that are neither, such as the name of a ref or a setting; never with a leading "-". */
  readonly operands?: readonly string[]
  readonly paths?: readonly ExactText[]
}

/** The arguments after `git`; the one place where flags, revisions and paths meet. */
export function joinArguments(subcommand: Subcommand, parts: GitArguments): readonly (string | Buffer)[] {
  const { action, flags = [], revisions = [], operands = [], paths = [] } = parts
  const facts = subcommands[subcommand]
  if (action !== undefined && !/^[a-z]+$/.test(action)) throw refused(subcommand, 'an action is no word')
  for (const flag of flags) {
    if (!/^--?[A-Za-z0-9]/.test(flag) || flag.includes('\0')) throw refused(subcommand, 'a flag is not a flag')
  }
  for (const revision of revisions) {
    if (!isOid(revision)) throw refused(subcommand, 'a revision is not a full object id')
  }
  for (const operand of operands) {
    if (operand === '' || operand.startsWith('-') || operand.includes('\0'))
      throw refused(subcommand, 'an operand looks like a flag')
  }
  if (paths.some((path) => pathProblem(path) !== null)) throw refused(subcommand, 'a path is not inside the repository')
  if (paths.length > 0 && facts.paths === 'none') throw refused(subcommand, 'it takes no paths')
  const words = [...revisions, ...operands]
  return [
    subcommand,
    ...(action === undefined ? [] : [action]),
    ...flags,
    ...(facts.hasEndOfOptions && words.length > 0 ? ['--end-of-options'] : []),
    ...words,
    ...(facts.paths === 'after --' ? ['--'] : []),
    ...paths.map(toArgument),
  ]
}

function toArgument(path: ExactText): string | Buffer {
  return typeof path === 'string' ? path : exactBytes(path)
}

// Fields are checked at the door; whatever arrives here all the same is a defect, and is refused.
function refused(subcommand: string, fact: string): AppError {
  return new AppError('internal', `Cannot run git ${subcommand}: ${fact}`)
}
