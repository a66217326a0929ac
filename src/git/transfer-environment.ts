import { configEnvironment } from './environment.ts'

/** What a courier or builder may know of the outside. */
export interface Transfer {
  readonly correlationId: string
  /** Where a courier fetches from; `null` where no network is used. */
  readonly source: TransferSource | null
  /** Seconds below 1000 bytes a second after which a transfer is given up. */
  readonly idleSeconds: number
  /** `noop`: what is there is not told, for objects that are asked for by id. */
  readonly negotiation: 'default' | 'noop'
}

export interface TransferSource {
  readonly url: string
  /** `host:port:address`: the one address that was checked, so that a second look-up cannot lead elsewhere. */
  readonly pin: string
  /** Value of the Authorization header, `null` for anonymous. */
  readonly authorization: string | null
}

/**
 * The environment of git where it touches hostile bytes: couriers and builders. It names everything that could make git
 * run a program, reach another host or read a file that is not its own, and switches it off.
 * A credential travels here as a value, which only the process itself can read: never in argv, URL or file.
 */
export function transferEnvironment({
  correlationId,
  source,
  idleSeconds,
  negotiation,
}: Transfer): Record<string, string> {
  const scheme = source?.url.startsWith('http:') === true ? 'http' : 'https'
  const config = {
    ...hardened,
    'http.lowSpeedTime': String(idleSeconds),
    'fetch.negotiationAlgorithm': negotiation,
    ...(source === null ? {} : reach(source, scheme)),
  }
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
    GIT_ALLOW_PROTOCOL: source === null ? 'none' : scheme,
    GIT_PROTOCOL_FROM_USER: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_CEILING_DIRECTORIES: '/',
    ...configEnvironment(config),
  }
}

function reach({ url, pin, authorization }: TransferSource, scheme: string): Record<string, string> {
  return {
    [`protocol.${scheme}.allow`]: 'always',
    'http.curloptResolve': pin,
    'remote.courier.url': url,
    'remote.courier.promisor': 'true',
    ...(authorization === null ? {} : { [`http.${url}.extraHeader`]: `Authorization: ${authorization}` }),
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
  'http.followRedirects': 'false',
  'http.proxy': '',
  'http.lowSpeedLimit': '1000',
  'transfer.bundleURI': 'false',
  'transfer.fsckObjects': 'true',
  // Flaws of old tools in well-known repositories, which harm nobody.
  'fetch.fsck.badTimezone': 'ignore',
  'fetch.fsck.missingSpaceBeforeDate': 'ignore',
  'fetch.fsck.zeroPaddedFilemode': 'ignore',
  'transfer.unpackLimit': '1',
  'fetch.recurseSubmodules': 'false',
  'fetch.writeCommitGraph': 'false',
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
