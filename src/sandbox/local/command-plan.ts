import { AppError } from '../../core/errors.ts'
import type { Command } from '../../core/exec.ts'
import { ROOT } from './mount-plan.ts'

/** Uid and gid every builder and workspace command sees; one for all, so that indexes stay stat-clean. */
const INSIDE_ID = '1000'

/** Descriptors on which bubblewrap finds its system call filter; launcher.pl places it there, and the arguments at 3. */
const FILTER_FD = 4

/** The kernel takes no longer word, and no more bytes of words and variables together. */
const maxWordBytes = 128 * 1024
const maxBytes = 1_900_000

export interface CommandPlace {
  readonly stateDir: string
  /** Id of the sandbox, which marks what starts the command. */
  readonly mark: string
  /** File with the compiled system call filter. */
  readonly filterPath: string
  readonly maxFileBytes: number
}

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
  const sizes = [...argv, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)].map(
    (word) => Buffer.byteLength(word) + 1,
  )
  const isTooLong = sizes.some((size) => size > maxWordBytes) || sizes.reduce((sum, size) => sum + size, 0) > maxBytes
  if (isTooLong) refuse('its arguments are too long')
}

/** What launcher.pl needs to start a command: see its `command`. */
export function commandFields(
  { mark, filterPath, maxFileBytes }: CommandPlace,
  bubblewrap: Buffer,
  argv: readonly string[],
): readonly (string | Buffer)[] {
  return [mark, String(maxFileBytes), filterPath, bubblewrap, ...argv]
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
