import { z } from 'zod'
import { catalog, type ErrorCode } from '../core/errors.ts'
import type { KeptState } from '../engine/cache-state.ts'
import type { EngineState } from '../engine/contract.ts'
import type { NotableOperation } from '../metrics/recent.ts'

const degraded = z.array(z.string())

export const readiness = z.strictObject({ ready: z.boolean(), degraded: degraded.optional() })

export const keptState = z.strictObject({
  repo: z.string(),
  images: z.int(),
  bytes: z.int(),
  uses: z.int(),
  lastUsedAt: z.string(),
  expiresAt: z.string().nullable(),
  why: z.string(),
}) satisfies z.ZodType<KeptState>

const engineState = z.strictObject({
  driver: z.string(),
  gitVersion: z.string(),
  workspaces: z.int(),
  programs: z.int(),
  shared: z
    .strictObject({
      readers: z.int(),
      pool: z.strictObject({
        waiting: z.int(),
        target: z.int(),
        hits: z.int(),
        misses: z.int(),
        wastedIdleSeconds: z.number(),
      }),
      flights: z.int(),
      running: z.int(),
      waiting: z.int(),
      images: z.int(),
      imageBytes: z.int(),
      cache: z.strictObject({
        hits: z.int(),
        misses: z.int(),
        evictions: z.int(),
        regrets: z.int(),
        kept: z.array(keptState),
        evicted: z.array(z.strictObject({ repo: z.string(), at: z.string(), bytes: z.int(), why: z.string() })),
      }),
      advice: z.array(z.strictObject({ rule: z.enum(['redis', 'pool-size', 'budget']), advice: z.string() })),
    })
    .nullable(),
}) satisfies z.ZodType<EngineState>

export const serviceState = engineState.extend({
  version: z.string(),
  uptimeMs: z.int(),
  host: z
    .strictObject({
      memory: z.strictObject({ rssBytes: z.int(), heapBytes: z.int(), externalBytes: z.int() }),
      degraded,
    })
    .nullable(),
})

const outcome = z.enum(['ok', ...(Object.keys(catalog) as ErrorCode[])])

export const notableOperations = z.array(
  z.strictObject({
    at: z.string(),
    correlationId: z.string(),
    why: z.enum(['failed', 'slow', 'sample']),
    operation: z.string(),
    tier: z.string().nullable(),
    repo: z.string().nullable(),
    tenant: z.string().nullable(),
    ms: z.number(),
    outcome,
    problem: z.string().nullable(),
    phases: z.array(z.strictObject({ name: z.string(), ms: z.number() })),
    git: z.array(z.strictObject({ argv: z.array(z.string()), ms: z.number(), outcome })),
    stderr: z.string().nullable(),
  }),
) satisfies z.ZodType<readonly NotableOperation[]>
