import { z } from 'zod'
import { catalog, type ErrorCode } from '../core/errors.ts'
import { keptState } from './state-schemas.ts'
import type { CapturedExecution } from '../engine/captured-execution.ts'
import { tiers, type Explanation, type ImageSummary, type WorkspaceSummary } from '../engine/contract.ts'
import { exactText } from '../git/bytes.ts'

const history = z.union([z.int(), z.literal('full')])

/** How an answer came to be, as every answer of a working copy says it. */
const receipt = z.strictObject({
  repo: z.string(),
  ref: z.string(),
  commit: z.string(),
  history,
  stalenessMs: z.number(),
  driver: z.string(),
  tier: z.enum(tiers),
  plan: z.array(z.string()),
  bytesFetched: z.int(),
  phases: z.array(z.strictObject({ name: z.string(), ms: z.number() })),
  warnings: z.array(z.string()),
  correlationId: z.string(),
})

/** An answer without a receipt: nothing was done with a working copy. */
export function valueOf<Value extends z.ZodType>(value: Value) {
  return z.strictObject({ value })
}

/** An answer with its receipt. */
export function answerOf<Value extends z.ZodType>(value: Value) {
  return z.strictObject({ value, receipt })
}

/** The same schema with an input that works, for whoever reads the description; a test sends it. */
export function withExample<Schema extends z.ZodType>(schema: Schema, example: unknown): Schema {
  return schema.meta({ examples: [example] })
}

/** A repository in examples; tests put a real one in its place. */
export const exampleRepo = 'https://example.com/team/project'

/** Problem details (RFC 9457). */
export const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(catalog) as [ErrorCode, ...ErrorCode[]]),
  hint: z.string(),
  retry: z.enum(['safe', 'later', 'never']),
  details: z.record(z.string(), z.unknown()),
})

export const workspaceSummary = z.strictObject({
  id: z.string(),
  repo: z.string(),
  ref: z.string(),
  commit: z.string(),
  history,
  cone: z.array(z.string()),
  expiresAt: z.iso.datetime(),
  programs: z.int(),
}) satisfies z.ZodType<WorkspaceSummary>

const extent = z.enum(['none', 'paths', 'tip', 'all'])
const needs = {
  history,
  trees: extent,
  blobs: extent,
  worktree: z.enum(['none', 'cone', 'full']),
  refs: z.enum(['asked', 'tags']),
}

export const imageSummary = z.strictObject({
  id: z.string(),
  repo: z.string(),
  tips: z.array(z.string()),
  has: z.strictObject(needs),
  cone: z.array(z.string()),
  bytes: z.int().nullable(),
  layers: z.int(),
  createdAt: z.iso.datetime(),
}) satisfies z.ZodType<ImageSummary>

const depth = history
const cone = z.array(z.string())

export const explanation = z.strictObject({
  needs: z.strictObject(needs),
  has: z.looseObject(needs).nullable(),
  steps: z.array(
    z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('fork'), image: z.string() }),
      z.strictObject({
        kind: z.literal('fetch'),
        depth,
        filter: z.enum(['none', 'blob:none', 'tree:0']),
        wants: z.array(z.string()),
      }),
      z.strictObject({
        kind: z.literal('backfill'),
        what: z.enum(['trees', 'blobs']),
        extent: z.enum(['paths', 'cone', 'tip', 'all']),
        cone,
        depth,
      }),
      z.strictObject({ kind: z.literal('checkout'), cone }),
    ]),
  ),
  cost: z.strictObject({ ms: z.number(), bytes: z.number(), basis: z.enum(['measured', 'estimated']) }),
  kept: keptState.nullable(),
}) satisfies z.ZodType<Explanation>

export const execution = z.strictObject({
  exitCode: z.int(),
  signal: z.string().nullable(),
  stdout: exactText,
  stderr: exactText,
  truncated: z.boolean(),
}) satisfies z.ZodType<CapturedExecution>

const kind = z.enum(['file', 'executable', 'directory', 'symlink', 'other'])

export const directoryListing = z.strictObject({
  entries: z.array(z.strictObject({ name: exactText, kind, size: z.int().nullable(), target: exactText.nullable() })),
  truncated: z.boolean(),
})
export const writtenFile = z.strictObject({ existed: z.boolean(), bytes: z.int() })
export const removedFile = z.strictObject({ kind })
