import { resolveAddress } from '../git/remote/address.ts'
import type { HttpRemotes } from '../git/remote/http-remote.ts'
import type { Remote, RemoteAuthorization } from '../git/remote/remote.ts'
import { parseRepo, type HttpRepo, type LocalRepo } from '../git/remote/repo-url.ts'
import type { SandboxDriver, SandboxLimits } from '../sandbox/contract.ts'
import type { Connection } from '../workspace/image-request.ts'
import { fingerprint, openCredential, requestAuthorization, selectCredential, type Credential } from './credentials.ts'
import type { EngineSettings } from './settings.ts'

/** A repository as one caller may see it. */
export interface Repository {
  /** Canonical key, the same for all who mean this repository. */
  readonly key: string
  /** What answers may be shared within: repository and credential. */
  readonly scope: string
  readonly remote: Remote
  /** Prepares for fetching: what the remote can do, and for a server its address checked and pinned. */
  readonly connect: (options: { signal: AbortSignal }) => Promise<Connection>
}

export interface RepositoriesSettings {
  readonly settings: Pick<EngineSettings, 'allowHosts' | 'onlyHosts' | 'idleMs'>
  readonly remotes: HttpRemotes
  readonly credentials: readonly Credential[]
  /** Where entries of the credentials file with `passwordEnv` look. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly driver: SandboxDriver
  readonly limits: SandboxLimits
}

export interface Repositories {
  /** Applies the rules for addresses and chooses the credential; nothing is contacted yet. */
  open(repo: string, gitAuthorization: string | undefined): Promise<Repository>
}

/** Opens repositories by address; throws `url_invalid` and `host_forbidden`. */
export function repositories({
  settings,
  remotes,
  credentials,
  environment,
  driver,
  limits,
}: RepositoriesSettings): Repositories {
  const idleSeconds = Math.ceil(settings.idleMs / 1000)

  async function authorizationFor(
    repo: HttpRepo,
    gitAuthorization: string | undefined,
  ): Promise<RemoteAuthorization | null> {
    if (gitAuthorization !== undefined) return requestAuthorization(gitAuthorization)
    const entry = selectCredential(credentials, { host: repo.authority, path: repo.path, use: 'fetch', tenant: null })
    return entry === null ? null : openCredential(entry, { environment })
  }

  async function openHttp(repo: HttpRepo, gitAuthorization: string | undefined): Promise<Repository> {
    const authorization = await authorizationFor(repo, gitAuthorization)
    const remote = remotes.open(repo, authorization)
    return {
      key: repo.key,
      scope: `${fingerprint(authorization)} ${repo.key}`,
      remote,
      async connect({ signal }) {
        const [url, abilities] = await Promise.all([remote.fetchUrl({ signal }), remote.abilities({ signal })])
        const { objectFormat } = abilities
        const { address } = await resolveAddress(repo.host, { isAllowed: repo.isAllowed })
        const pin = `${repo.host.replace(/^\[(.*)\]$/, '$1')}:${repo.port}:${address.includes(':') ? `[${address}]` : address}`
        const source = { url, pin, authorization: authorization?.header() ?? null }
        const { courierUpstream } = await import('../workspace/courier.ts')
        return {
          abilities,
          upstream: courierUpstream({ driver, limits, idleSeconds, source, url: repo.url, objectFormat }),
        }
      },
    }
  }

  async function openLocal(repo: LocalRepo): Promise<Repository> {
    const { localRemote } = await import('../git/remote/local-remote.ts')
    const remote = localRemote(repo)
    return {
      key: repo.key,
      scope: repo.key,
      remote,
      async connect(options) {
        const abilities = await remote.abilities(options)
        const { localUpstream } = await import('../workspace/local-upstream.ts')
        const { objectFormat } = abilities
        return { abilities, upstream: localUpstream({ remote, url: `file://${repo.path}`, objectFormat }) }
      },
    }
  }

  return {
    async open(text, gitAuthorization) {
      const repo = parseRepo(text, { ...settings, allowLocal: true })
      return repo.kind === 'http' ? openHttp(repo, gitAuthorization) : openLocal(repo)
    },
  }
}
