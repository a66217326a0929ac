import type { Command } from '../../core/exec.ts'
import { ROOT } from './mount-plan.ts'

/** Uid and gid every builder and workspace command sees; one for all, so that indexes stay stat-clean. */
const INSIDE_ID = '1000'

/** Descriptors on which bubblewrap finds its arguments and its system call filter. */
export const ARGUMENTS_FD = 3
const FILTER_FD = 4

export interface CommandPlace {
  readonly stateDir: string
  readonly holderPid: number
  readonly network: 'none' | 'host'
  /** File with the compiled system call filter. */
  readonly filterPath: string
  readonly maxFileBytes: number
  /** Files to write "0" into, to join the sandbox's control groups. */
  readonly cgroupFiles: readonly string[]
  /** Uid to become after joining; `null` where the service already runs as it. */
  readonly becomeUid: number | null
}

/**
 * The program that starts a command inside a sandbox: joins its control groups, sets limits, opens the filter,
 * enters the holder's namespaces. Joining namespaces brings none of a sandbox's restrictions, so bubblewrap
 * applies them anew to each command. Fixed text; everything variable is a positional parameter.
 */
const ENTER = `
limit=$1 filter=$2 groups=$3; shift 3
while [ "$groups" -gt 0 ]; do echo 0 >"$1" || exit 125; shift; groups=$((groups - 1)); done
ulimit -c 0; ulimit -n 4096; ulimit -f "$limit"
exec 4<"$filter" "$@"
`

/** argv that enters the sandbox; bubblewrap's own arguments travel on a descriptor (see `bubblewrapArguments`). */
export function enterArgv(place: CommandPlace, argv: readonly string[]): readonly string[] {
  const blocks = String(Math.ceil(place.maxFileBytes / 512))
  const become =
    place.becomeUid === null
      ? []
      : ['setpriv', `--reuid=${place.becomeUid}`, `--regid=${place.becomeUid}`, '--clear-groups', '--']
  const namespaces = ['-U', '-m', '-i', '-u', ...(place.network === 'none' ? ['-n'] : [])]
  return [
    '/bin/sh',
    '-c',
    ENTER,
    'enter',
    blocks,
    place.filterPath,
    String(place.cgroupFiles.length),
    ...place.cgroupFiles,
    ...become,
    'nsenter',
    '--preserve-credentials',
    ...namespaces,
    '-t',
    String(place.holderPid),
    '--',
    'bwrap',
    '--args',
    String(ARGUMENTS_FD),
    '--',
    ...argv,
  ]
}

/** Bubblewrap's arguments as NUL-terminated bytes: on a descriptor, because an argv is visible inside the sandbox. */
export function bubblewrapArguments(place: CommandPlace, { cwd, env }: Pick<Command, 'cwd' | 'env'>): Buffer {
  const variables = Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value])
  const words = [
    ...['--unshare-user', '--uid', INSIDE_ID, '--gid', INSIDE_ID, '--unshare-pid'],
    ...['--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    // The holder's root and nothing of the host's; it is already read-only where it must be.
    ...['--dev-bind', `${place.stateDir}/${ROOT}`, '/', '--proc', '/proc'],
    ...['--clearenv', ...variables, '--chdir', cwd, '--seccomp', String(FILTER_FD)],
  ]
  return Buffer.from(words.map((word) => `${word}\0`).join(''))
}
