import type { FastifyInstance } from 'fastify'
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
  /** Time after which a stream is ended whose client takes nothing. */
  readonly streamIdleMs: number
}
