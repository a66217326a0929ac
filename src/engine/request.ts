import { z } from 'zod'
import { ref } from '../git/fields.ts'
import { parseInput } from '../git/parse-input.ts'
import type { EngineSettings } from './settings.ts'

/** The fields every request shares; no operation may declare one of its own by these names. */
export interface Common {
  readonly repo: string
  readonly ref: string
  readonly maxStalenessMs: number
  readonly deadlineMs: number
}

const directory = z
  .string()
  .regex(/^(?!.*(?:^|\/)\.\.?(?:\/|$))[^/\p{Cc}"\\][^\p{Cc}"\\]*(?<!\/)$/u, 'must be a directory inside the repository')

/** Directories of a sparse worktree; none means all files. */
const cone = z.array(directory).max(100).default([])

/** Schemas of requests that are no operations, and the split of those that are. */
export function requests(settings: EngineSettings) {
  const common = {
    repo: z.string().min(1).max(2048),
    ref: ref.default('HEAD'),
    maxStalenessMs: z.int().min(0).default(settings.maxStalenessMs),
    deadlineMs: z
      .int()
      .min(1)
      .max(2 ** 31 - 1)
      .default(settings.deadlineMs),
  }
  const warm = z.strictObject({ ...common, cone })
  const exec = z.strictObject({
    ...common,
    cone,
    argv: z
      .array(z.string().regex(/^[^\0]*$/, 'must not hold NUL'))
      .min(1)
      .max(10_000),
  })

  return {
    warm: (input: unknown) => parseInput({ name: 'warm', input: warm }, input),
    exec: (input: unknown) => parseInput({ name: 'run', input: exec }, input),
    /** An operation's own fields and the common ones, each by its schema. */
    operation<Input extends z.ZodObject>(
      operation: { readonly name: string; readonly input: Input },
      input: unknown,
    ): { common: Common; own: z.output<Input> } {
      const whole = parseInput(
        { name: operation.name, input: z.strictObject({ ...common, ...operation.input.shape }) },
        input,
      ) as Record<string, unknown> & Common
      const own = Object.fromEntries(Object.keys(operation.input.shape).map((name) => [name, whole[name]]))
      return { common: whole, own: own as z.output<Input> }
    },
  }
}

export type Requests = ReturnType<typeof requests>
