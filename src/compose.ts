import { readFile } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import type { Settings } from './config.ts'
import { systemClock } from './core/clock.ts'
import { diskDirectory } from './directory/disk-directory.ts'
import { diskUsage } from './directory/disk-usage.ts'
import type { ServiceEngine } from './engine/announcements.ts'
import type { Engine } from './engine/contract.ts'
import { loadCredentials } from './engine/credentials.ts'
import { inProcessEngine } from './engine/engine.ts'
import { probeGit } from './git/probe-git.ts'
import { httpRemoteDefaults, httpRemotes } from './git/remote/http-remote.ts'
import type { SandboxDriver, SandboxLimits } from './sandbox/contract.ts'
import type { Service } from './cli/doors.ts'
import type { HostReport } from './sandbox/host-report.ts'
import { localDriver } from './sandbox/local/driver.ts'
import { probeLocalHost } from './sandbox/local/probe-host.ts'
import type { ImageContent } from './workspace/image-content.ts'
import { images } from './workspace/images.ts'
import { repositoryCache } from './workspace/repository-cache.ts'
import { isRepositoryUse, mergedUse } from './workspace/repository-use.ts'
import { pool } from './workspace/pool.ts'
import { gitTemplate } from './workspace/template-files.ts'
import { useBook } from './workspace/use-book.ts'

/** The parts of an engine that benchmarks look at one by one. */
export interface Composed {
  readonly engine: ServiceEngine
  readonly driver: SandboxDriver
  readonly limits: SandboxLimits
}

interface ComposeOptions {
  /** Whether repositories on this machine may be named by their path. */
  readonly allowLocal: boolean
  /** Whether sandboxes are made before they are asked for, which pays only for what lives long. */
  readonly hasPool: boolean
}

/** How long a sandbox that nobody takes, and the memory of who asked, is kept. */
const POOL_AGE_MS = 300_000

/** Joins concrete drivers, caches and directories; the only place that knows them. `environment` holds the secrets that credentials name. */
export async function compose(
  settings: Settings,
  environment: Readonly<Record<string, string | undefined>>,
  { allowLocal, hasPool }: ComposeOptions = { allowLocal: true, hasPool: false },
): Promise<Composed> {
  const [gitVersion, hook, credentials] = await Promise.all([
    probeGit({ signal: AbortSignal.timeout(10_000) }),
    readFile(new URL('sandbox/local/fsmonitor-hook.pl', import.meta.url), 'utf8'),
    settings.credentialsFile === null
      ? []
      : loadCredentials(settings.credentialsFile, { requiresTenants: settings.apiKeysFile !== null }),
  ])
  const driver = await localDriver(settings, gitTemplate({ hook, tools: `git ${gitVersion}` }))
  const directory = await diskDirectory<ImageContent>(`${settings.stateDir}/directory`)
  const { diskBytes, inodes, memoryBytes, processes, cpus } = settings
  const limits: SandboxLimits = { diskBytes, inodes, memoryBytes, processes, cpus }
  const usage = { directory, merge: mergedUse, isEntry: isRepositoryUse }
  const cache = repositoryCache({
    driver,
    directory,
    book: useBook(await diskUsage(`${settings.stateDir}/directory/usage`, usage)),
    budget: { bytes: settings.maxImageBytes ?? Infinity, count: settings.maxRepositories ?? Infinity },
    freeShare: settings.minFreeShare,
    clock: systemClock,
  })
  const { poolSize, poolMax } = settings
  const rules = {
    base: hasPool ? poolSize : 0,
    maxEach: Math.max(poolSize, Math.ceil(poolMax / 2)),
    maxAll: poolMax,
    maxAgeMs: POOL_AGE_MS,
  }
  const spares = pool({ driver, rules, clock: systemClock })
  const kept = images({ driver, directory, limits, pool: spares, room: cache })
  await kept.sweep()
  const remotes = httpRemotes({ ...httpRemoteDefaults, packIdleMs: settings.idleMs })
  const engine = inProcessEngine({
    settings,
    driver,
    images: kept,
    cache,
    directory,
    pool: spares,
    remotes,
    credentials,
    environment,
    limits,
    gitVersion,
    allowLocal,
    tellsApart: settings.apiKeysFile !== null,
  })
  return { engine, driver, limits }
}

/** An engine in this process. */
export async function composeEngine(
  settings: Settings,
  environment: Readonly<Record<string, string | undefined>> = {},
): Promise<Engine> {
  const { engine } = await compose(settings, environment)
  return engine
}

interface ServiceOptions {
  readonly version: string
  /** Where the log goes; nowhere by default. */
  readonly logTo?: Pick<Writable, 'write'> | null
}

/** The engine as a service that listens to nobody yet. */
export async function composeService(
  settings: Settings,
  environment: Readonly<Record<string, string | undefined>>,
  { version, logTo = null }: ServiceOptions,
): Promise<Service> {
  const [{ openService }, { requests }, { oversight }] = await Promise.all([
    import('./http/open-service.ts'),
    import('./engine/request.ts'),
    import('./compose-oversight.ts'),
  ])
  const { engine, driver } = await compose(settings, environment, { allowLocal: false, hasPool: true })
  const { schemas } = requests(settings)
  const watching = oversight({ engine, driver, settings, logTo })
  try {
    return await openService({ engine, settings, schemas, version, watching })
  } catch (error) {
    watching.close()
    await engine.close()
    throw error
  }
}

/** What this host can do for the configured driver. */
export function probeHost(settings: Settings, options: { signal: AbortSignal }): Promise<HostReport> {
  return probeLocalHost(settings, options)
}
