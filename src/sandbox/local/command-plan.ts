import { AppError } from '../../core/errors.ts'
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
  /** Whether this process has descriptors that its children would inherit. */
  readonly leaksDescriptors: boolean
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

/** Closes what is open beyond bubblewrap's arguments; the shell could close single digits only. */
const CLOSE_REST = `syscall(436, ${ARGUMENTS_FD + 1}, 0xffffffff, 0) == 0 or die "Cannot close descriptors: $!\\n"; exec { $ARGV[0] } @ARGV`

/** Refuses what cannot be a command: a NUL would end a word early, and what follows would be bubblewrap's. */
export function checkCommand({ argv, cwd, env }: Pick<Command, 'argv' | 'cwd' | 'env'>): void {
  const refuse = (fact: string): never => {
    throw new AppError('input_invalid', `Cannot start a command: ${fact}`)
  }
  if (argv.length === 0) refuse('it has no words')
  if ([...argv, cwd, ...Object.entries(env).flat()].some((word) => word.includes('\0'))) refuse('a word holds a NUL')
  if (!cwd.startsWith('/')) refuse('its directory is not absolute')
  const badName = Object.keys(env).find((name) => name === '' || name.includes('='))
  if (badName !== undefined) refuse(`${JSON.stringify(badName)} is no name of a variable`)
}

/** argv that enters the sandbox; bubblewrap's own arguments travel on a descriptor (see `bubblewrapArguments`). */
export function enterArgv(place: CommandPlace, argv: readonly string[]): readonly string[] {
  const blocks = String(Math.ceil(place.maxFileBytes / 512))
  const become =
    place.becomeUid === null
      ? []
      : ['setpriv', `--reuid=${place.becomeUid}`, `--regid=${place.becomeUid}`, '--clear-groups', '--']
  const namespaces = ['-U', '-m', '-i', '-u', ...(place.network === 'none' ? ['-n'] : [])]
  return [
    ...(place.leaksDescriptors ? ['/usr/bin/perl', '-e', CLOSE_REST] : []),
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
