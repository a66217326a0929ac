import { userInfo } from 'node:os'
import { startGitProgram, type GitProgram } from './git-program.ts'

/**
 * Starts `git receive-pack`, which writes to the caller's own repository as any push of that user would: its hooks run
 * with that user's rights, and its configuration, the user's and the machine's are in force, because they are what
 * protects it. Who may be pushed to is therefore decided before: only the command line and the library know paths.
 */
export function startReceivePack(path: string, { signal }: { readonly signal: AbortSignal }): GitProgram {
  return startGitProgram('receive-pack', path, { env: environment(), settleMs, signal })
}

/** To throw away what it has of a pack: killed, git leaves that for its next clean-up. */
const settleMs = 2000

/** Built from nothing all the same: no setting or secret of this process reaches a hook. */
function environment(): Record<string, string> {
  // From the user database: hooks need a home and a name, and only the entry reads the environment.
  const { homedir, username } = userInfo()
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: homedir,
    USER: username,
    LOGNAME: username,
    // git's own words are told apart in `push-rejection.ts`.
    LC_ALL: 'C.UTF-8',
    // Nobody is there to be asked.
    GIT_TERMINAL_PROMPT: '0',
  }
}
