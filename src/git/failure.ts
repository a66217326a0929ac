import { AppError, type ErrorCode } from '../core/errors.ts'

/** How a run of git ended. */
export interface GitEnd {
  readonly subcommand: string
  readonly exitCode: number
  readonly stderr: string
}

interface Rule {
  readonly code: ErrorCode
  /** The only subcommands that say so; any, where they are left out. */
  readonly subcommands?: readonly string[]
  readonly pattern: RegExp
  /** Words that say it means something else. */
  readonly unless?: RegExp
  readonly fact: string
}

/**
 * What git's words (in the C locale) mean, the first that matches; each has a test on real git. What a sandbox says may
 * be long and made to hurt, so no pattern looks further than a bounded way from where it begins to fit.
 */
export const failureRules: readonly Rule[] = [
  // The host ran out of something: whatever else git says follows from it.
  {
    code: 'disk_limit',
    pattern: /No space left on device|Disk quota exceeded|File too large/,
    fact: 'the disk is full',
  },
  { code: 'memory_limit', pattern: /out of memory|cannot allocate memory|malloc failed/i, fact: 'memory is exhausted' },
  {
    code: 'process_limit',
    pattern: /(?:fork|thread|spawn).{0,200}Resource temporarily unavailable/i,
    fact: 'no more processes are allowed',
  },

  // Somebody else is at work
  {
    code: 'workspace_busy',
    pattern: /\.lock': File exists/,
    fact: 'another program holds a lock',
  },

  // The working copy lacks what was asked for
  {
    code: 'objects_missing',
    pattern:
      /could not fetch [0-9a-f]{40,64} from promisor|unable to read (?:tree )?[0-9a-f (]{40,66}|unable to read sha1 file of|invalid object [0-7]{6} [0-9a-f]{40,64}|missing (?:blob|tree)|not a tree object|[Cc]ould not read [0-9a-f]{40,64}/,
    fact: 'objects are missing',
  },
  {
    code: 'path_not_found',
    pattern: /no such path |' did not match any file/,
    fact: 'the path does not exist there',
  },
  {
    code: 'commit_not_found',
    pattern:
      /bad object|not a valid (?:commit|object) name|unable to parse object|: bad file|bad revision|unable to resolve revision/i,
    fact: 'the commit is not there',
  },
  { code: 'ref_not_found', pattern: /No names found|tags can describe/, fact: 'no tag leads there' },
  { code: 'repo_empty', pattern: /does not have any commits yet/, fact: 'the repository has no commits' },
  {
    code: 'input_invalid',
    pattern: / has only \d{1,20} lines?|-e option, '|command line, '/,
    fact: 'git refuses a value',
  },

  // The working copy is in a state that forbids it
  {
    code: 'path_blocked',
    pattern:
      /is beyond a symbolic link|' is in submodule|does not have a commit checked out|' mode [0-7]{1,7}: (?:Directory not empty|Not a directory|Is a directory)/,
    fact: 'a link, a directory or another repository is in the way',
  },
  { code: 'conflicts_unresolved', pattern: /' is unmerged/, fact: 'conflicts are not resolved' },
  {
    code: 'already_in_progress',
    pattern: /Cannot do a \w{1,20} reset in the middle of a merge/,
    fact: 'a merge is under way',
  },
  // Whatever else it says before it gives up speaks of the patch; "fatal" is what it says of everything else.
  {
    code: 'patch_rejected',
    subcommands: ['apply'],
    pattern: /^error: /m,
    unless: /^fatal: /m,
    fact: 'the patch does not fit',
  },
  { code: 'workspace_busy', pattern: /^error: Unable to write index/m, fact: 'another program holds the index' },
  {
    code: 'conflicts_unresolved',
    pattern: /because you have unmerged files|resolve your current index first/,
    fact: 'conflicts are not resolved',
  },
  {
    code: 'worktree_dirty',
    pattern:
      /would be (?:overwritten|removed) by|would lose untracked files|not uptodate\. Cannot merge|already exists, no checkout/,
    fact: 'local changes are in the way',
  },
  {
    code: 'branch_in_use',
    pattern: /is already (?:checked out|used by worktree) at/,
    fact: 'another worktree has the branch checked out',
  },
  { code: 'ref_exists', pattern: /' exists; cannot create '/, fact: 'a ref of another name is in the way' },

  // What a server sent, taken in and checked by git without network
  { code: 'remote_failed', subcommands: ['index-pack'], pattern: /early EOF/, fact: 'the pack broke off' },
  {
    code: 'remote_invalid',
    subcommands: ['index-pack', 'fsck'],
    pattern: /^(?:fatal: |error in )/m,
    fact: 'what the remote sent is not sound',
  },

  { code: 'host_unable', pattern: /detected dubious ownership/, fact: 'the repository belongs to somebody else' },
]

const tailBytes = 2000

/** Whether git left something out because objects are missing; `grep` does so and still exits well. */
export function isIncomplete(stderr: string): boolean {
  return stderr.split('\n').some((line) => line.startsWith('error: ') && /unable to read [0-9a-f]{40,64}/.test(line))
}

/** The AppError for a git that failed. */
export function gitFailure({ subcommand, exitCode, stderr }: GitEnd): AppError {
  const rule = failureRules.find(
    ({ subcommands = [subcommand], pattern, unless }) =>
      subcommands.includes(subcommand) && pattern.test(stderr) && unless?.test(stderr) !== true,
  )
  const details = {
    subcommand,
    exitCode,
    stderr: cleanStderr(stderr),
    ...(rule?.code === 'objects_missing' || rule?.code === 'commit_not_found' ? { oids: oidsIn(stderr) } : {}),
  }
  const fact = rule?.fact ?? `exit code ${exitCode}`
  return new AppError(rule?.code ?? 'git_failed', `Cannot run git ${subcommand}: ${fact}`, { details })
}

/** The end of what git said, fit to be shown: no control characters, no credentials in URLs. */
export function cleanStderr(stderr: string): string {
  const text = stderr.replace(/:\/\/[^/\s]*@/g, '://').replace(/[^\P{Cc}\n]|[\u2028-\u202e\u2066-\u2069]/gu, '?')
  return text.trim().slice(-tailBytes)
}

function oidsIn(stderr: string): readonly string[] {
  return [...new Set(stderr.match(/\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b/g))].slice(0, 1000)
}
