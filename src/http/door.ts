import type { FastifyInstance } from 'fastify'
import type { ApiKeys } from './api-keys.ts'
import type { Repetitions } from './repetitions.ts'
import type { Engine } from '../engine/contract.ts'
import type { RequestSchemas } from '../engine/request.ts'

/** A server as routes see it. */
export type Door = FastifyInstance

/** What routes are made of. */
export interface ServiceParts {
  readonly engine: Engine
  /** For the description of the routes; the engine itself checks what comes. */
  readonly schemas: RequestSchemas
  readonly version: string
  /** `null` where callers are not told apart; then only this machine is served. */
  readonly keys: ApiKeys | null
  readonly repetitions: Repetitions
  /** Told by whoever stops the service. */
  readonly life: { isDraining: boolean }
}
