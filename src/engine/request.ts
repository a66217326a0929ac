import { z } from 'zod'
import { ref } from '../git/fields.ts'
import { parseInput } from '../git/parse-input.ts'
import type { EngineSettings } from './settings.ts'

/** The fields every request shares; only what runs in a workspace, where no ref is asked for, may have a `ref` of its own. */
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

const words = z
  .array(z.string().regex(/^[^\0]*$/, 'must not hold NUL'))
  .min(1)
  .max(10_000)

const variableName = z.string().regex(/^[^\0=]+$/, 'must be the name of a variable')

/** Generations of the upstream's history: the newest alone, so many, or all. */
const history = z.union([z.literal('tip'), z.literal('full'), z.int().min(1)])

/** The longest that anything may be asked to live without being asked again. */
const maxTtlMs = 86_400_000

/** The longest that the remote's word may serve: so long somebody may still read who lost access. */
const maxKnowledgeMs = 3_600_000

/** A workspace as it is to be opened. */
export interface OpenRequest extends Common {
  readonly cone: readonly string[]
  readonly history: z.output<typeof history>
  readonly ttlMs: number
}

/** Schemas of requests that are no operations, and the split of those that are. */
export function requests(settings: EngineSettings) {
  const common = {
    repo: z.string().min(1).max(2048),
    ref: ref.default('HEAD'),
    maxStalenessMs: z.int().min(0).max(maxKnowledgeMs).default(settings.maxStalenessMs),
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
    argv: words,
  })

  const ttlMs = z.int().min(1000).max(maxTtlMs)
  const open = z.strictObject({
    ...common,
    cone,
    history: history.default('tip'),
    ttlMs: ttlMs.default(settings.workspaceTtlMs),
  })
  const extend = z.strictObject({
    ttlMs: ttlMs.nullable().default(null),
    history: z
      .union([z.int().min(1), z.literal('full')])
      .nullable()
      .default(null),
    cone,
    deadlineMs: common.deadlineMs,
  })
  const fork = z.strictObject({
    count: z.int().min(1).max(100).default(1),
    ttlMs: ttlMs.default(settings.workspaceTtlMs),
    deadlineMs: common.deadlineMs,
  })
  const program = z.strictObject({
    argv: words,
    cwd: z
      .string()
      .max(4096)
      .regex(/^[^\0]*$/, 'must not hold NUL')
      .default(''),
    env: z.record(variableName, z.string().regex(/^[^\0]*$/, 'must not hold NUL')).default({}),
    deadlineMs: common.deadlineMs,
    maxOutputBytes: z.int().min(1).max(settings.maxOutputBytes).default(settings.maxOutputBytes),
  })

  const schemas = {
    open,
    extend,
    fork,
    program,
    warm,
    exec,
    /** An operation's own fields and the common ones. */
    operation: ({ input }: { readonly input: z.ZodObject }) => z.strictObject({ ...common, ...input.shape }),
    /** An operation's own fields, where the workspace says all that is common but the deadline. */
    inWorkspace: ({ input }: { readonly input: z.ZodObject }) =>
      z.strictObject({ deadlineMs: common.deadlineMs, ...input.shape }),
  }

  return {
    schemas,
    open: (input: unknown): OpenRequest => parseInput({ name: 'open', input: open }, input),
    extend: (input: unknown) => parseInput({ name: 'extend', input: extend }, input),
    fork: (input: unknown) => parseInput({ name: 'fork', input: fork }, input),
    program: (input: unknown) => parseInput({ name: 'exec', input: program }, input),
    warm: (input: unknown) => parseInput({ name: 'warm', input: warm }, input),
    exec: (input: unknown) => parseInput({ name: 'run', input: exec }, input),
    /** An operation's own fields, where the workspace says all that is common but the deadline. */
    inWorkspace(
      operation: { readonly name: string; readonly input: z.ZodObject },
      input: unknown,
    ): { deadlineMs: number; own: Record<string, unknown> } {
      const { deadlineMs: ms, ...own } = parseInput(
        { name: operation.name, input: schemas.inWorkspace(operation) },
        input,
      ) as Record<string, unknown> & { deadlineMs: number }
      return { deadlineMs: ms, own }
    },
    /** An operation's own fields and the common ones, each by its schema. */
    operation<Input extends z.ZodObject>(
      operation: { readonly name: string; readonly input: Input },
      input: unknown,
    ): { common: Common; own: z.output<Input> } {
      const whole = parseInput({ name: operation.name, input: schemas.operation(operation) }, input) as Record<
        string,
        unknown
      > &
        Common
      const own = Object.fromEntries(Object.keys(operation.input.shape).map((name) => [name, whole[name]]))
      return { common: whole, own: own as z.output<Input> }
    },
  }
}

export type Requests = ReturnType<typeof requests>
export type RequestSchemas = Requests['schemas']
