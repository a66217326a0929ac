import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { AppError } from '../../core/errors.ts'
import { isGlobalUnicast } from './address.ts'

/** A repository on a server. */
export interface HttpRepo {
  readonly kind: 'http'
  /** Canonical address, rebuilt from its parts: no `.git`, default port or trailing slash. */
  readonly url: string
  readonly isSecure: boolean
  /** Host as a name or address, IPv6 in brackets. */
  readonly host: string
  readonly port: number
  /** `host`, or `host:port` where the port is not the scheme's own. */
  readonly authority: string
  /** Path on the server, with its leading slash. */
  readonly path: string
  /** Whether FORKYARD_ALLOW_HOSTS names the host: the address and scheme rules do not apply. */
  readonly isAllowed: boolean
  /** What equal repositories have in common. */
  readonly key: string
}

/** A repository in the file system of the caller. */
export interface LocalRepo {
  readonly kind: 'local'
  readonly path: string
  readonly key: string
}

export type Repo = HttpRepo | LocalRepo

export interface RepoRules {
  /** Hosts (`host` or `host:port`) that may be private and may be reached over http. */
  readonly allowHosts: readonly string[]
  /** If not empty, the only hosts that may be reached. */
  readonly onlyHosts: readonly string[]
  /** Whether paths and file:// are understood; only the command line and the library may. */
  readonly allowLocal: boolean
}

/** Understands a repository's address or throws `url_invalid` or `host_forbidden`; what was given is never repeated in the error. */
export function parseRepo(text: string, rules: RepoRules): Repo {
  if (text === '') throw invalid('it is empty')
  if (text.length > 2048) throw invalid('it is longer than 2048 characters')
  if (text.startsWith('-')) throw invalid('it starts with "-"')
  // oxlint-disable-next-line no-control-regex -- these are what is refused
  if (/[\u0000-\u001f\u007f]/.test(text)) throw invalid('it holds a control character')
  const helper = /^([A-Za-z0-9]+)::/.exec(text)
  if (helper) throw invalid(`git's remote helpers ("${helper[1]?.toLowerCase()}::") are not supported`)
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1]?.toLowerCase()
  if (scheme === 'https' || scheme === 'http') return httpRepo(text, rules)
  if (scheme === 'file' || (scheme === undefined && !/^[^/]*:/.test(text))) return localRepo(text, scheme, rules)
  if (scheme === undefined || /ssh/.test(scheme)) throw invalid('ssh is not supported, only https')
  throw invalid('only https is supported')
}

/** Whether a list of `host` and `host:port` entries names this host; an entry without port means every port. */
export function namesHost(entries: readonly string[], host: string, port: number): boolean {
  return entries.some((entry) => {
    const wanted = entry.toLowerCase()
    const bare = isIP(wanted) === 6 ? `[${wanted}]` : wanted
    return bare === host || bare === `${host}:${port}`
  })
}

function httpRepo(text: string, rules: RepoRules): HttpRepo {
  if (!/^[\u0021-\u007e]+$/.test(text)) throw invalid('it holds a space or a character beyond ASCII')
  if (text.includes('\\')) throw invalid('it holds a backslash')
  const [, rawAuthority = '', rawPath = ''] = /^[a-z]+:\/\/([^/?#]*)(.*)$/i.exec(text) ?? []
  if (rawAuthority.includes('@')) throw invalid('it holds a user name or a password')
  if (/[?#]/.test(rawPath) || /^[a-z]+:\/\/[^/]*[?#]/i.test(text)) throw invalid('it holds a query or a fragment')
  const path = canonicalPath(rawPath)
  const {
    hostname: host,
    port: writtenPort,
    protocol,
  } = parsedUrl(`${text.slice(0, text.indexOf(':'))}://${rawAuthority}/`)
  const isSecure = protocol === 'https:'
  const port = writtenPort === '' ? (isSecure ? 443 : 80) : Number(writtenPort)
  const isAllowed = namesHost(rules.allowHosts, host, port)
  checkHost(host, rawAuthority.replace(/:\d*$/, '').toLowerCase(), isAllowed)
  if (rules.onlyHosts.length > 0 && !namesHost(rules.onlyHosts, host, port)) {
    throw new AppError('host_forbidden', `Cannot use ${host}: it is not in FORKYARD_ONLY_HOSTS`, { details: { host } })
  }
  if (!isSecure && !isAllowed) throw invalid('only https is supported')
  const authority = writtenPort === '' ? host : `${host}:${port}`
  const url = `${protocol}//${authority}${path}`
  return { kind: 'http', url, isSecure, host, port, authority, path, isAllowed, key: url }
}

function checkHost(host: string, written: string, isAllowed: boolean): void {
  const isAddress = isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0
  if (isAddress && !isAllowed && !isGlobalUnicast(host.replace(/^\[(.*)\]$/, '$1'))) {
    throw new AppError('host_forbidden', `Cannot use ${host}: it is not a public address`, { details: { host } })
  }
  // An odd notation that another parser reads differently is worth nothing to honest callers.
  if (host !== written) throw invalid('its host is not written in its plain form')
  const isName = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/.test(host)
  if (!isAddress && !isName) throw invalid('its host is not a plain host name')
}

function canonicalPath(raw: string): string {
  if (raw.includes('%')) throw invalid('it holds a "%"')
  const path = raw.replace(/\/$/, '')
  if (path === '') throw invalid('it names no repository')
  if (!/^\/[A-Za-z0-9._~/-]+$/.test(path)) throw invalid('its path holds a character that is not allowed')
  const canonical = path.replace(/(?<=[^/])\.git$/, '')
  for (const part of [...path.slice(1).split('/'), ...canonical.slice(1).split('/')]) {
    if (part === '' || part === '.' || part === '..') throw invalid('its path holds "//" or a dot segment')
  }
  // Cut twice it would be another repository's address.
  if (/[^/]\.git$/.test(canonical)) throw invalid('its path ends in ".git.git"')
  return canonical
}

function localRepo(text: string, scheme: string | undefined, { allowLocal }: RepoRules): LocalRepo {
  if (!allowLocal) throw invalid('only https is supported')
  const path = resolve(scheme === undefined ? text : filePath(text))
  return { kind: 'local', path, key: `file://${path}` }
}

function filePath(text: string): string {
  const path = /^file:\/\/(?:localhost)?(\/.*)$/i.exec(text)?.[1]
  if (path === undefined) throw invalid('a file:// address needs an absolute path')
  let decoded: string
  try {
    decoded = decodeURIComponent(path)
  } catch (cause) {
    throw invalid('its percent signs do not decode', cause)
  }
  // oxlint-disable-next-line no-control-regex -- these are what is refused
  if (/[\u0000-\u001f\u007f]/.test(decoded)) throw invalid('it holds a control character')
  return decoded
}

function parsedUrl(text: string): URL {
  try {
    return new URL(text)
  } catch {
    // Node's error repeats what was given and says nothing more.
    throw invalid('its host or port is malformed')
  }
}

function invalid(fact: string, cause?: unknown): AppError {
  return new AppError('url_invalid', `Cannot use the repository address: ${fact}`, { cause })
}
