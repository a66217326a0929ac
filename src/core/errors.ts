/** How a failure is shown and whether the same request may be sent again. */
interface ErrorSpec {
  /** HTTP status of the problem document. */
  readonly status: number
  /** `safe`: the request may simply be repeated; `later`: after a pause; `never`: it will fail again. */
  readonly retry: 'safe' | 'later' | 'never'
  /** What the caller can do about it. */
  readonly hint: string
}

/** Every way forkyard can fail. A code, once released, never changes its meaning. */
export const catalog = {
  // The request itself
  input_invalid: { status: 400, retry: 'never', hint: 'See the fields of the operation: forkyard help <operation>.' },
  operation_unknown: { status: 404, retry: 'never', hint: 'List the operations with forkyard --help.' },
  path_invalid: {
    status: 400,
    retry: 'never',
    hint: 'Give a path inside the repository, without "..", a leading "/" or ".git".',
  },
  ref_invalid: {
    status: 400,
    retry: 'never',
    hint: 'Give HEAD, a branch, a tag, a full ref name or a full commit id.',
  },
  body_too_large: { status: 413, retry: 'never', hint: 'Send less at once, or write files by their own route.' },
  headers_too_large: { status: 431, retry: 'never', hint: 'Send fewer or shorter headers, or a shorter address.' },
  request_too_slow: { status: 408, retry: 'safe', hint: 'The request may be repeated, and sent without pauses.' },
  media_type_unsupported: { status: 415, retry: 'never', hint: 'Send JSON as application/json.' },
  route_unknown: { status: 404, retry: 'never', hint: 'See /openapi.json for the routes.' },
  host_unserved: { status: 421, retry: 'never', hint: 'Use the address that forkyard serve printed.' },
  idempotency_mismatch: {
    status: 422,
    retry: 'never',
    hint: 'The key was used for another request; use a new one for each that is not a repetition.',
  },
  settings_invalid: { status: 400, retry: 'never', hint: 'See docs/config.md for the settings and their defaults.' },

  // Who asks
  key_required: {
    status: 401,
    retry: 'never',
    hint: 'Send Authorization: Bearer and a key that is in force; commands take it from FORKYARD_API_KEY.',
  },
  hook_unsigned: { status: 401, retry: 'never', hint: 'Give the sender a secret of FORKYARD_HOOK_SECRETS_FILE.' },
  hook_replayed: { status: 409, retry: 'never', hint: 'It was taken before; one that is new needs clocks that agree.' },
  operator_only: { status: 403, retry: 'never', hint: 'Ask who runs the service.' },
  repo_forbidden: { status: 403, retry: 'never', hint: 'Ask who runs the service to allow this repository.' },
  rate_limited: { status: 429, retry: 'later', hint: 'Ask less often.' },
  tenant_limit: { status: 429, retry: 'later', hint: 'Close workspaces, or wait until less is under way.' },

  // Where the repository is
  url_invalid: {
    status: 400,
    retry: 'never',
    hint: 'Give https://host/path without user name, password, query or fragment.',
  },
  host_forbidden: { status: 403, retry: 'never', hint: 'Add the host to FORKYARD_ALLOW_HOSTS if it may be reached.' },
  host_unknown: { status: 502, retry: 'later', hint: 'Check the host name.' },
  remote_unreachable: { status: 502, retry: 'later', hint: 'Check that the server runs and accepts connections.' },
  tls_invalid: { status: 502, retry: 'never', hint: "Check the host name and the server's certificate." },
  remote_timeout: { status: 504, retry: 'later', hint: 'The server was too slow; try again later.' },
  remote_invalid: { status: 502, retry: 'never', hint: 'Check that the URL is the address of a git repository.' },
  remote_failed: { status: 502, retry: 'later', hint: 'The server failed while it answered; try again later.' },
  remote_redirected: { status: 502, retry: 'never', hint: 'Use the address the server redirects to, if you trust it.' },
  auth_required: {
    status: 401,
    retry: 'never',
    hint: 'Configure a credential: FORKYARD_CREDENTIALS_FILE or FORKYARD_GIT_AUTHORIZATION.',
  },
  access_denied: { status: 403, retry: 'never', hint: 'The server refused this credential.' },
  repo_not_found: {
    status: 404,
    retry: 'never',
    hint: 'Check the address; private repositories look missing without a credential.',
  },
  repo_empty: { status: 409, retry: 'never', hint: 'Push a first commit.' },

  // What is in it
  ref_not_found: { status: 404, retry: 'never', hint: 'List the names with forkyard branches and forkyard tags.' },
  ref_ambiguous: { status: 409, retry: 'never', hint: 'Give the full name: refs/heads/… or refs/tags/….' },
  commit_not_found: { status: 404, retry: 'never', hint: 'The server does not hand out this commit.' },
  path_not_found: { status: 404, retry: 'never', hint: 'List the paths with forkyard list-files.' },
  history_incomplete: {
    status: 409,
    retry: 'never',
    hint: 'The repository is itself a shallow clone: run git fetch --unshallow there, or ask for less history.',
  },
  histories_unrelated: { status: 409, retry: 'never', hint: 'Compare the two commits themselves, without mergeBase.' },
  objects_missing: { status: 503, retry: 'safe', hint: 'The request may be repeated.' },
  ref_moved: { status: 409, retry: 'never', hint: 'Fetch it, bring your commits onto it and push again.' },
  push_rejected: {
    status: 409,
    retry: 'never',
    hint: 'See details.reason, and details.said for what the server said.',
  },

  // What a workspace is in
  path_blocked: {
    status: 409,
    retry: 'never',
    hint: 'A link, a directory or a mode is in the way; change it first or use another path.',
  },
  ref_exists: { status: 409, retry: 'never', hint: 'Choose another name, or replace it with force.' },
  branch_in_use: { status: 409, retry: 'never', hint: 'Check out another branch first.' },
  branch_unmerged: { status: 409, retry: 'never', hint: 'Its commits are on no other branch; delete it with force.' },
  worktree_dirty: { status: 409, retry: 'never', hint: 'Commit, stash or restore the named files first.' },
  conflicts_unresolved: {
    status: 409,
    retry: 'never',
    hint: 'Resolve the conflicts and add the files, or abort what is under way.',
  },
  not_in_progress: { status: 409, retry: 'never', hint: 'Nothing of this kind is under way; start it first.' },
  already_in_progress: { status: 409, retry: 'never', hint: 'Continue or abort what is under way first.' },
  nothing_to_commit: { status: 409, retry: 'never', hint: 'Add changes first, or allow an empty commit.' },
  patch_rejected: { status: 409, retry: 'never', hint: 'Make the patch anew from the files as they are.' },
  signing_unavailable: { status: 400, retry: 'never', hint: 'Sign outside, where the key is; none is in a workspace.' },
  workspace_not_found: {
    status: 404,
    retry: 'never',
    hint: 'It was closed, its time was over, or it never was; open another one.',
  },
  needs_workspace: { status: 409, retry: 'never', hint: 'Open a workspace of the repository and run it there.' },
  workspace_busy: { status: 409, retry: 'later', hint: 'A running program holds the index; wait for it or end it.' },
  git_failed: { status: 500, retry: 'never', hint: 'See details.stderr for what git said.' },

  // Limits
  output_limit: { status: 413, retry: 'never', hint: 'Ask for less: a limit, a path, a smaller range.' },
  disk_limit: { status: 507, retry: 'never', hint: 'Raise FORKYARD_DISK_BYTES or use a sparse cone.' },
  inode_limit: { status: 507, retry: 'never', hint: 'Raise FORKYARD_INODES or use a sparse cone.' },
  memory_limit: { status: 507, retry: 'never', hint: 'Raise FORKYARD_MEMORY_BYTES.' },
  process_limit: { status: 507, retry: 'never', hint: 'Raise FORKYARD_PROCESSES.' },
  deadline_exceeded: { status: 504, retry: 'never', hint: 'Allow more time with deadlineMs.' },
  canceled: { status: 499, retry: 'safe', hint: 'The request was given up by its caller.' },
  service_draining: { status: 503, retry: 'later', hint: 'The service is about to stop; ask the one that follows.' },
  reader_silent: { status: 408, retry: 'safe', hint: 'Read what is streamed as it comes, or ask for less.' },
  over_capacity: { status: 503, retry: 'later', hint: 'Too much runs at once; try again later.' },

  // The host and its sandboxes
  host_unable: { status: 503, retry: 'never', hint: 'Run forkyard doctor: it says what this host lacks.' },
  sandbox_failed: { status: 500, retry: 'safe', hint: 'The sandbox could not be made; see details.' },
  sandbox_lost: { status: 503, retry: 'safe', hint: 'The request may be repeated.' },
  not_freezable: { status: 409, retry: 'never', hint: 'Only sandboxes with a disk upper can be frozen.' },
  image_not_found: { status: 404, retry: 'never', hint: 'List the images with forkyard images.' },
  image_incompatible: {
    status: 409,
    retry: 'safe',
    hint: 'The image was made under other conditions and is built anew.',
  },

  // The service, as its clients see it
  service_unreachable: {
    status: 502,
    retry: 'later',
    hint: 'Start it with forkyard serve, or set FORKYARD_URL to where it runs.',
  },
  service_lost: {
    status: 502,
    retry: 'later',
    hint: 'What was asked may have been done all the same; look before it is asked again.',
  },
  service_failed: {
    status: 502,
    retry: 'never',
    hint: 'Check that FORKYARD_URL is the address of a forkyard of this version.',
  },

  internal: { status: 500, retry: 'never', hint: 'This is a defect in forkyard; please report it.' },
} as const satisfies Record<string, ErrorSpec>

export type ErrorCode = keyof typeof catalog

interface ErrorOptions {
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** The one error class; the message says "action: fact" and never holds a secret. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, { details = {}, cause }: ErrorOptions = {}) {
    super(message, { cause })
    this.name = 'AppError'
    this.code = code
    this.details = details
  }

  get hint(): string {
    return catalog[this.code].hint
  }
}

/** The error as problem details (RFC 9457 with `code`, `hint` and `retry`), fit for JSON. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ErrorCode
  readonly hint: string
  readonly retry: ErrorSpec['retry']
  readonly details: Readonly<Record<string, unknown>>
}

/** What the system calls it when this host has run out of something for a while. */
const shortages: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk of this host is full',
  EDQUOT: 'the disk quota of this host is used up',
  EMFILE: 'too many files are open on this host',
  ENFILE: 'too many files are open on this host',
  ENOMEM: 'the memory of this host is used up',
}

/** A failure as one of the catalogue where the host ran short of something; what is anything else stays as it is. */
export function withShortage(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof AppError) return error
  const { code = '' } = error as NodeJS.ErrnoException
  if (!Object.hasOwn(shortages, code)) return error
  return new AppError('over_capacity', `Cannot finish the request: ${shortages[code]}`, { cause: error })
}

/** Renders any thrown value; what is not an AppError is a defect and shows no internals. */
export function toProblem(error: unknown): Problem {
  const foreseen = withShortage(error)
  const known =
    foreseen instanceof AppError
      ? foreseen
      : new AppError('internal', 'Cannot finish the request: unexpected failure', { cause: error })
  const { status, hint, retry } = catalog[known.code]
  return {
    type: `urn:forkyard:${known.code}`,
    title: known.message,
    status,
    code: known.code,
    hint,
    retry,
    details: known.details,
  }
}

/** Whether `error` carries one of the given codes. */
export function hasCode(error: unknown, ...codes: ErrorCode[]): error is AppError {
  return error instanceof AppError && codes.includes(error.code)
}
