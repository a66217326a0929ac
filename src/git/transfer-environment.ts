import { configEnvironment } from './environment.ts'

/**
 * The environment of git where it touches objects that a hostile server may have made: in builders. It names everything
 * that could make git run a program, reach a host or read a file that is not its own, and switches it off.
 */
export function transferEnvironment({ correlationId }: { readonly correlationId: string }): Record<string, string> {
  return {
    PATH: '/usr/bin:/bin',
    HOME: '/nonexistent',
    LC_ALL: 'C',
    TZ: 'UTC',
    GIT_TRACE2_PARENT_SID: correlationId,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    SSH_ASKPASS: '/bin/false',
    GIT_SSH_COMMAND: '/bin/false',
    GIT_EDITOR: ':',
    GIT_SEQUENCE_EDITOR: ':',
    GIT_PAGER: 'cat',
    PAGER: 'cat',
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_PROTOCOL_FROM_USER: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_CEILING_DIRECTORIES: '/',
    ...configEnvironment(hardened),
  }
}

const hardened: Readonly<Record<string, string>> = {
  'core.fsmonitor': 'false',
  'core.hooksPath': '/dev/null',
  'core.alternateRefsCommand': 'exit 0 #',
  'core.attributesFile': '/dev/null',
  'core.excludesFile': '/dev/null',
  'core.askPass': '',
  'core.sshCommand': '/bin/false',
  'core.protectHFS': 'true',
  'core.protectNTFS': 'true',
  'core.useReplaceRefs': 'false',
  'core.bigFileThreshold': '50m',
  // Nothing half-written counts: an image is synced as a whole when it is frozen.
  'core.fsync': 'none',
  'safe.bareRepository': 'explicit',
  'safe.directory': '*',
  'init.templateDir': '',
  'credential.helper': '',
  'protocol.allow': 'never',
  'transfer.fsckObjects': 'true',
  'submodule.recurse': 'false',
  'gc.auto': '0',
  'maintenance.auto': 'false',
  'pack.windowMemory': '100m',
  'gpg.program': '/bin/false',
  'gpg.ssh.program': '/bin/false',
  'commit.gpgSign': 'false',
  'log.showSignature': 'false',
  'index.version': '4',
  // As many as a small machine has: a checkout is bound by files, not by git.
  'checkout.workers': '0',
  'advice.detachedHead': 'false',
}
