import { z } from 'zod'
import { tiers } from '../engine/contract.ts'

/** How an answer came to be, as every answer of a working copy says it. */
const receipt = z.strictObject({
  repo: z.string(),
  ref: z.string(),
  commit: z.string(),
  history: z.union([z.int(), z.literal('full')]),
  stalenessMs: z.number(),
  driver: z.string(),
  tier: z.enum(tiers),
  plan: z.array(z.string()),
  bytesFetched: z.int(),
  phases: z.array(z.strictObject({ name: z.string(), ms: z.number() })),
  warnings: z.array(z.string()),
  correlationId: z.string(),
})

/** An answer with its receipt. */
export function answerOf<Value extends z.ZodType>(value: Value) {
  return z.strictObject({ value, receipt })
}
