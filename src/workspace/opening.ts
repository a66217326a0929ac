import { WORKSPACE } from './place.ts'
import { openedAt } from './repository-files.ts'

/**
 * Opens the working copy on its branch and becomes the program, in one start: $1 files, each as path, "write" or
 * "append", and content, then the program. A program that is not there gives the exit code every shell gives it, 127.
 */
const OPEN_AND_BECOME = `
n=$1; shift
while [ "$n" -gt 0 ]; do
  [ "$2" = append ] || : >"$1"
  printf %s "$3" >>"$1"
  shift 3; n=$((n - 1))
done
exec "$@"
`

/** Argv that writes the refs of a working copy opened at `at`, in a fork whose image keeps `tips`, and becomes a program. */
export function openingArgv(
  at: Parameters<typeof openedAt>[0],
  tips: readonly string[],
  argv: readonly string[],
): readonly string[] {
  const files = openedAt(at, tips)
  const words = files.flatMap(({ path, how, content }) => [path, how, content])
  return ['/bin/sh', '-c', OPEN_AND_BECOME, 'open', String(files.length), ...words, ...argv]
}

/** What programs of callers see of the outside. */
export function programEnvironment(correlationId: string): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/home',
    USER: 'forkyard',
    SHELL: '/bin/sh',
    LANG: 'C.UTF-8',
    TMPDIR: '/tmp',
    GIT_TERMINAL_PROMPT: '0',
    GIT_TRACE2_PARENT_SID: correlationId,
  }
}

/** A directory of a working copy as programs name it: absolute, or from its root. */
export function directoryIn(directory: string): string {
  return directory.startsWith('/') ? directory : directory === '' ? WORKSPACE : `${WORKSPACE}/${directory}`
}
