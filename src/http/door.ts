import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { ApiKeys } from './api-keys.ts'
import type { Sending } from './answer.ts'
import type { HookSecrets } from './hook-secrets.ts'
import type { AnnouncedEngine } from '../engine/announcements.ts'
import type { RequestSchemas } from '../engine/request.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Recent } from '../metrics/recent.ts'
import type { HostReport } from '../sandbox/host-report.ts'

/** A server as routes see it. */
export type Door = FastifyInstance

/** What routes are made of. */
export interface ServiceParts {
  readonly engine: AnnouncedEngine
  /** For the description of the routes; the engine itself checks what comes. */
  readonly schemas: RequestSchemas
  readonly version: string
  /** Time for a request to arrive whole. */
  readonly arrivalMs: number
  /** `null` where callers are not told apart; then only this machine is served. */
  readonly keys: ApiKeys | null
  readonly hooks: HookSecrets
  readonly sending: Sending
  /** Told by whoever stops the service. */
  readonly life: { isDraining: boolean }
  readonly metrics: Metrics
  readonly recent: Recent
  readonly log: FastifyBaseLogger
  readonly health: () => Promise<HostReport>
}
