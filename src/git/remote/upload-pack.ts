import { configEnvironment } from '../environment.ts'
import { startGitProgram, type GitProgram } from './git-program.ts'

/** Nothing but what git needs to read a repository without running or fetching anything on its behalf. */
const environment = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
  GIT_PROTOCOL: 'version=2',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: '/bin/false',
  GIT_SSH_COMMAND: '/bin/false',
  GIT_ALLOW_PROTOCOL: 'none',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_NO_LAZY_FETCH: '1',
  GIT_OPTIONAL_LOCKS: '0',
  ...configEnvironment({
    'uploadpack.allowFilter': 'true',
    'uploadpack.allowAnySHA1InWant': 'true',
    'core.fsmonitor': 'false',
    'core.hooksPath': '/dev/null',
    'core.alternateRefsCommand': 'exit 0 #',
    'pack.windowMemory': '100m',
    'gc.auto': '0',
  }),
}

/** Starts `git upload-pack`, which reads the caller's own repository. */
export function startUploadPack(path: string, { signal }: { readonly signal: AbortSignal }): GitProgram {
  return startGitProgram('upload-pack', path, { env: environment, settleMs: 0, signal })
}
