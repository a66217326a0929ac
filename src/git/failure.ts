import { AppError, type ErrorCode } from '../core/errors.ts'

/** How a run of git ended. */
export interface GitEnd {
  readonly subcommand: string
  readonly exitCode: number
  readonly stderr: string
}

interface Rule {
  readonly code: ErrorCode
  readonly pattern: RegExp
  readonly fact: string
}

/** What git's words (in the C locale) mean, the first that matches; each has a test on real git. */
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
    pattern: /(?:fork|thread|spawn).*Resource temporarily unavailable/i,
    fact: 'no more processes are allowed',
  },

  // The working copy lacks what was asked for
  {
    code: 'objects_missing',
    pattern:
      /could not fetch [0-9a-f]{40,64} from promisor|unable to read (?:tree )?[0-9a-f (]{40,66}|missing (?:blob|tree)|not a tree object|[Cc]ould not read [0-9a-f]{40,64}/,
    fact: 'objects are missing',
  },
  {
    code: 'path_not_found',
    pattern: /no such path |pathspec .* did not match/,
    fact: 'the path does not exist there',
  },
  {
    code: 'commit_not_found',
    pattern:
      /not our ref|bad object|not a valid (?:commit|object) name|unable to parse object|: bad file|bad revision|unable to resolve revision/i,
    fact: 'the commit is not there',
  },
  { code: 'ref_not_found', pattern: /No names found|tags can describe/, fact: 'no tag leads there' },
  { code: 'repo_empty', pattern: /does not have any commits yet/, fact: 'the repository has no commits' },
  { code: 'ref_not_found', pattern: /couldn't find remote ref/, fact: 'the remote has no such ref' },
  {
    code: 'input_invalid',
    pattern: /file .* has only \d+ lines?|-e option, '|command line, '/,
    fact: 'git refuses a value',
  },

  // The remote
  { code: 'host_unknown', pattern: /Could not resolve (?:host|proxy)/, fact: 'the host is unknown' },
  {
    code: 'remote_timeout',
    pattern: /Operation too slow|timed out|Timeout was reached/i,
    fact: 'the remote is too slow',
  },
  {
    code: 'remote_unreachable',
    pattern:
      /Failed to connect|Could(?:n't| not) connect|Connection (?:refused|reset)|unreachable|No route to host|Empty reply|SSL|certificate/,
    fact: 'the remote cannot be reached',
  },
  {
    code: 'auth_required',
    pattern: /could not read (?:Username|Password)|terminal prompts disabled|Authentication failed|returned error: 401/,
    fact: 'the remote asks for a credential',
  },
  { code: 'access_denied', pattern: /returned error: 403/, fact: 'the remote refuses access' },
  {
    code: 'repo_not_found',
    pattern:
      /returned error: (?:404|410)|repository '.*' not found|not a git repository|does not appear to be a git repository/,
    fact: 'there is no such repository',
  },
  {
    code: 'remote_redirected',
    pattern: /returned error: 3\d\d|unable to update url base from redirection/,
    fact: 'the remote redirects',
  },
  { code: 'remote_failed', pattern: /returned error: (?:429|5\d\d)/, fact: 'the remote failed' },
  {
    code: 'url_invalid',
    pattern: /transport '.*' not allowed|Unsupported protocol/,
    fact: 'the transport is not allowed',
  },
  {
    code: 'remote_failed',
    pattern:
      /hung up unexpectedly|early EOF|unexpected disconnect|RPC failed|remote error|did not send all necessary objects/,
    fact: 'the remote broke off',
  },
  {
    code: 'remote_invalid',
    pattern:
      /not valid: is this a git repository|fsck error|invalid server response|bad line length|protocol error|bad pack header/,
    fact: 'the remote does not answer as git does',
  },

  { code: 'host_unable', pattern: /detected dubious ownership/, fact: 'the repository belongs to somebody else' },
]

const tailBytes = 2000

/** Whether git left something out because objects are missing; `grep` does so and still exits well. */
export function isIncomplete(stderr: string): boolean {
  return /^error: .*unable to read [0-9a-f]{40,64}/m.test(stderr)
}

/** The AppError for a git that failed. */
export function gitFailure({ subcommand, exitCode, stderr }: GitEnd): AppError {
  // What a server says in its own words proves nothing.
  const said = stderr.replace(/^remote: .*$/gm, '')
  const rule = failureRules.find(({ pattern }) => pattern.test(said))
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
