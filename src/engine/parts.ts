import type { ResultCache } from '../cache/result-cache.ts'
import type { SingleFlight } from '../core/single-flight.ts'
import type { SandboxDriver, SandboxLimits } from '../sandbox/contract.ts'
import type { Images } from '../workspace/images.ts'
import type { RepositoryCache } from '../workspace/repository-cache.ts'
import type { Pool } from '../workspace/pool.ts'
import type { Readers } from '../workspace/readers.ts'
import type { Admission } from './admission.ts'
import type { Leases } from './leases.ts'
import type { Repositories } from './repositories.ts'
import type { Requests } from './request.ts'
import type { RunningPrograms } from './running-programs.ts'
import type { Resolver } from './resolve.ts'
import type { Outcome } from './outcome.ts'
import type { EngineSettings } from './settings.ts'

/** What requests are served with. */
export interface Parts {
  readonly settings: EngineSettings
  readonly driver: SandboxDriver
  readonly images: Images
  readonly cache: RepositoryCache
  readonly repositories: Repositories
  readonly resolver: Resolver
  readonly requests: Requests
  readonly results: ResultCache<Outcome>
  readonly flights: SingleFlight<Outcome>
  readonly admission: Admission
  readonly programs: RunningPrograms
  readonly leases: Leases
  readonly readers: Readers
  readonly pool: Pool
  /** Limits of forks in which programs of callers run. */
  readonly limits: SandboxLimits
  /** Limits of forks in which only our own reads run. */
  readonly readerLimits: SandboxLimits
  readonly gitVersion: string
  /** Whether callers may not know of each other: nothing may tell one what another has made. */
  readonly servesStrangers: boolean
}
