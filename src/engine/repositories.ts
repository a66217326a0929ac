import { backOff, type BackOff } from '../core/back-off.ts'
import { systemClock } from '../core/clock.ts'
import type { HttpRemotes } from '../git/remote/http-remote.ts'
import type { Remote, RemoteAuthorization } from '../git/remote/remote.ts'
import { parseRepo, type HttpRepo, type LocalRepo } from '../git/remote/repo-url.ts'
import type { Connection } from '../workspace/image-request.ts'
import { checkRepository, tenantOf, type Caller } from './caller.ts'
import type { FetchBudget } from './fetch-budget.ts'
import {
  fingerprint,
  openCredential,
  requestAuthorization,
  selectCredential,
  type Credential,
  type CredentialUse,
} from './credentials.ts'
import type { RequestOptions } from './contract.ts'
import type { EngineSettings } from './settings.ts'

/** A repository as one caller may see it. */
export interface Repository {
  /** As the caller gave it. */
  readonly address: string
  /** Canonical key, the same for all who mean this repository. */
  readonly key: string
  /** What answers may be shared within: tenant, credential and repository. */
  readonly scope: string
  /** The tenant whose configured credential reaches it, '' where nobody is told apart; `null` where the request brought one. */
  readonly tenant: string | null
  readonly remote: Remote
  /** Throws `repo_forbidden` where the caller may not use it, or not any more. */
  readonly checkFor: (caller: Caller | undefined) => void
  /** Prepares for fetching. */
  readonly connect: (options: { signal: AbortSignal }) => Promise<Connection>
}

export interface RepositoriesSettings {
  readonly settings: Pick<EngineSettings, 'allowHosts' | 'onlyHosts'>
  readonly remotes: HttpRemotes
  readonly credentials: readonly Credential[]
  /** Where entries of the credentials file with `passwordEnv` look. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Whether paths of this machine are understood: never where others may ask. */
  readonly allowLocal: boolean
  readonly budget: FetchBudget
  /** Whether every caller has a tenant: then nothing is done in nobody's name. */
  readonly tellsApart: boolean
}

/** With what a repository is opened. */
export interface Opener {
  /** The credential that came with the request; `undefined` for one of those configured. */
  readonly gitAuthorization: string | undefined
  readonly use: CredentialUse
  readonly caller: Caller | undefined
}

export interface Repositories {
  /** Applies the rules for addresses and chooses the credential; nothing is contacted yet. */
  open(repo: string, by: Opener): Promise<Repository>
  /** Opens one in the name of a tenant that asked before, for work that nobody waits for; `null` where it may not ask now. */
  reopen(repo: string, tenant: string): Promise<Repository | null>
}

/** Opens repositories by address; throws `url_invalid` and `host_forbidden`. */
export function repositories({
  settings,
  remotes,
  credentials,
  environment,
  allowLocal,
  budget,
  tellsApart,
}: RepositoriesSettings): Repositories {
  const pauses = backOff(systemClock)
  /** By the names of their tenants; '' where nobody is told apart. */
  const callers = new Map<string, Caller | undefined>(tellsApart ? [] : [['', undefined]])

  async function authorizationFor(
    repo: HttpRepo,
    { gitAuthorization, use, caller }: Opener,
  ): Promise<RemoteAuthorization | null> {
    if (gitAuthorization !== undefined) return requestAuthorization(gitAuthorization)
    const entry = selectCredential(credentials, {
      host: repo.authority,
      path: repo.path,
      use,
      tenant: caller?.tenant ?? null,
    })
    return entry === null ? null : openCredential(entry, { environment })
  }

  async function openHttp(address: string, repo: HttpRepo, by: Opener, payer: Caller | undefined): Promise<Repository> {
    checkRepository(repo, by.caller)
    const authorization = await authorizationFor(repo, by)
    const scope = `${tenantOf(by.caller)} ${fingerprint(authorization)} ${repo.key}`
    const remote = budget.metered(withPauses(remotes.open(repo, authorization), scope, pauses), payer)
    return {
      address,
      key: repo.key,
      scope,
      tenant: by.gitAuthorization === undefined ? tenantOf(by.caller) : null,
      remote,
      connect: (options) => connect(remote, repo.url, options),
      checkFor: (caller) => checkRepository(repo, caller),
    }
  }

  async function openLocal(address: string, repo: LocalRepo): Promise<Repository> {
    const { localRemote } = await import('../git/remote/local-remote.ts')
    const remote = localRemote(repo)
    return {
      address,
      key: repo.key,
      scope: repo.key,
      tenant: '',
      remote,
      connect: (options) => connect(remote, `file://${repo.path}`, options),
      // Only the command line and the library have it, which tell nobody apart.
      checkFor() {},
    }
  }

  const parsed = (text: string): HttpRepo | LocalRepo => parseRepo(text, { ...settings, allowLocal })

  return {
    async open(text, by) {
      const repo = parsed(text)
      callers.set(tenantOf(by.caller), by.caller)
      return repo.kind === 'http' ? openHttp(text, repo, by, by.caller) : openLocal(text, repo)
    },

    async reopen(text, tenant) {
      const repo = parsed(text)
      if (!callers.has(tenant) || repo.kind !== 'http') return null
      const last = callers.get(tenant)
      const caller = last?.later === undefined ? last : await last.later()
      if (caller === null) return null
      // Nobody asked for these bytes, so they are nobody's.
      return openHttp(text, repo, { gitAuthorization: undefined, use: 'fetch', caller }, undefined)
    },
  }
}

async function connect(remote: Remote, url: string, options: { signal: AbortSignal }): Promise<Connection> {
  const [abilities, { remoteUpstream }] = await Promise.all([
    remote.abilities(options),
    import('../workspace/remote-upstream.ts'),
  ])
  return { abilities, upstream: remoteUpstream({ remote, url, objectFormat: abilities.objectFormat }) }
}

/** The remote, left alone for a while where it fails again and again; a push is its caller's to repeat. */
function withPauses(remote: Remote, scope: string, pauses: BackOff): Remote {
  return {
    abilities: (options) => pauses.run(`${scope} ask`, () => remote.abilities(options)),
    lsRefs: (options) => pauses.run(`${scope} ask`, () => remote.lsRefs(options)),
    fetchPack: (options, use) => pauses.run(`${scope} fetch`, () => remote.fetchPack(options, use)),
    push: (options, makePack) => remote.push(options, makePack),
  }
}

/** How a request that reads opens a repository. */
export function opener({ gitAuthorization, caller }: Pick<RequestOptions, 'gitAuthorization' | 'caller'>): Opener {
  return { gitAuthorization, use: 'fetch', caller }
}
