import { systemClock } from '../core/clock.ts'
import { memoryResultCache } from '../cache/result-cache.ts'
import { settleAll } from '../core/settle-all.ts'
import { singleFlight } from '../core/single-flight.ts'
import type { Directory } from '../directory/directory.ts'
import type { HttpRemotes } from '../git/remote/http-remote.ts'
import type { SandboxDriver, SandboxLimits } from '../sandbox/contract.ts'
import type { Images } from '../workspace/images.ts'
import type { Pool } from '../workspace/pool.ts'
import { readers } from '../workspace/readers.ts'
import type { RepositoryCache } from '../workspace/repository-cache.ts'
import { admission } from './admission.ts'
import type { ServiceEngine } from './announcements.ts'
import { background } from './background.ts'
import { checkOperator } from './caller.ts'
import { fetchBudget } from './fetch-budget.ts'
import { answerRecords } from './answer-records.ts'
import type { Outcome } from './outcome.ts'
import type { WorkspaceSummary } from './contract.ts'
import type { Credential } from './credentials.ts'
import { leases, type Lease } from './leases.ts'
import { figuresOf } from './figures.ts'
import { execInFork } from './exec-in-fork.ts'
import type { Parts } from './parts.ts'
import { repositories } from './repositories.ts'
import { requests } from './request.ts'
import { resolver } from './resolve.ts'
import { runningPrograms } from './running-programs.ts'
import type { EngineSettings } from './settings.ts'
import { stateOf } from './state.ts'

export interface EngineParts {
  readonly settings: EngineSettings
  readonly driver: SandboxDriver
  readonly images: Images
  readonly cache: RepositoryCache
  readonly directory: Pick<Directory<unknown>, 'join' | 'instances'>
  readonly pool: Pool
  readonly remotes: HttpRemotes
  readonly credentials: readonly Credential[]
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly limits: SandboxLimits
  readonly gitVersion: string
  /** Whether repositories on this machine may be named by their path. */
  readonly allowLocal: boolean
  /** Whether every caller has a tenant. */
  readonly tellsApart: boolean
}

/** Changes a read of ours may make in its fork: a few refs and locks. */
const READER_BYTES = 32 * 1024 * 1024

/** Readers that wait for the next question at once, each of an image of its own. */
const MAX_IDLE_READERS = 64

/** An engine in this process. */
export function inProcessEngine({
  settings,
  driver,
  images,
  cache,
  directory,
  pool,
  remotes,
  credentials,
  environment,
  limits,
  gitVersion,
  allowLocal,
  tellsApart,
}: EngineParts): ServiceEngine {
  const readerLimits = { ...limits, diskBytes: Math.min(limits.diskBytes, READER_BYTES) }
  const parts: Parts = {
    settings,
    driver,
    images,
    cache,
    pool,
    limits,
    gitVersion,
    servesStrangers: !allowLocal,
    repositories: repositories({
      settings,
      remotes,
      credentials,
      environment,
      allowLocal,
      budget: fetchBudget(systemClock),
      tellsApart,
    }),
    resolver: resolver(systemClock),
    requests: requests(settings),
    results: memoryResultCache<Outcome>({ maxBytes: settings.resultCacheBytes }),
    flights: singleFlight<Outcome>(),
    admission: admission(settings),
    programs: runningPrograms(),
    leases: leases(systemClock),
    readerLimits,
    readers: readers({ driver, limits: readerLimits, idleMs: settings.readerIdleMs, maxIdle: MAX_IDLE_READERS }),
  }

  cache.attend({
    inUse: () => parts.leases.all(undefined).map(({ repository }) => repository.key),
    end: (image) => settleAll([parts.readers.forget(image), pool.forget(image)]),
  })
  const work = background(parts, { clock: systemClock, isService: !allowLocal, directory })

  return {
    pushed: (event) => work.pushed(event),

    // The operations with all their schemas are a quarter of the start-up; `exec` and `images` do without.
    run: async (name, input, options = {}) =>
      (await import('./run-operation.ts')).runOperation(parts, name, input, options),
    stream: (name, input, options = {}) =>
      answerRecords(options, { silenceMs: settings.streamIdleMs }, async (request, recorder) =>
        (await import('./run-operation.ts')).runOperation(parts, name, input, request, recorder),
      ),
    exec: (input, options = {}) => execInFork(parts, input, options),

    open: async (input, options = {}) => (await import('./open-workspace.ts')).openWorkspace(parts, input, options),

    workspace: async (id, { caller } = {}) =>
      (await import('./workspace.ts')).workspaceOf(parts, parts.leases.get(id, caller)),

    async workspaces({ caller } = {}) {
      return parts.leases.all(caller).map(summaryOf)
    },

    explain: async (name, input, options = {}) => (await import('./explain.ts')).explain(parts, name, input, options),

    warm: async (input, options = {}) => (await import('./warm.ts')).warm(parts, input, options),

    async images({ caller } = {}) {
      checkOperator(caller)
      const weights = new Map((await driver.images()).map(({ id, bytes }) => [id, bytes]))
      return (await images.list()).map(({ id, repo, content, createdAt }) => {
        const { tips, cone, ...has } = content.has
        return {
          id,
          repo,
          tips,
          cone,
          has,
          bytes: weights.get(id) ?? null,
          layers: content.layers,
          createdAt: new Date(createdAt).toISOString(),
        }
      })
    },
    async drop(imageId, { caller } = {}) {
      checkOperator(caller)
      await images.drop(imageId)
      await settleAll([parts.readers.forget(imageId), pool.forget(imageId)])
    },

    state: (options = {}) => stateOf(parts, work, options),
    figures: () => figuresOf(parts),

    async close() {
      // What cannot be ended keeps nothing else open.
      const unasked = work.close().then(() => cache.close())
      const ended = settleAll([parts.leases.endAll(), parts.readers.close(), pool.close(), unasked])
      await Promise.allSettled([ended])
      remotes.close()
      await settleAll([ended, driver.close()])
    },
  }
}

function summaryOf({ id, repository, ref, resolution, copy, expiresAt, programs }: Lease): WorkspaceSummary {
  const { history, cone } = copy.has
  return {
    id,
    repo: repository.key,
    ref: resolution.ref ?? ref,
    commit: resolution.commit,
    history,
    cone,
    expiresAt: new Date(expiresAt).toISOString(),
    programs,
  }
}
