import { z } from 'zod'
import type { ErrorCode } from '../core/errors.ts'
import { pathProblem } from './path.ts'
import { refProblem, revisionTextProblem, shortNameProblem } from './revision.ts'

/** What a field means beyond its type; doors, engine and docs read it with `fieldKind`. */
export type FieldKind = 'revision' | 'ref' | 'path' | 'paths' | 'oid' | 'identity' | 'limit' | 'bytes'

/**
 * A commit to work on: ref plus `~n`, `^n`, and in a workspace whatever git understands there. The engine puts a full
 * commit id in its place before `run`.
 */
export const revision = z
  .string()
  .superRefine(refuse('ref_invalid', revisionTextProblem))
  .meta({ kind: 'revision', description: 'HEAD, a branch, tag, full ref name or full commit id, with ~n and ^n.' })

/** A revision that may be left out: `null` stands for the request's `ref`. */
export const revisionOrRef = revision.nullable().default(null)

/** A revision that may be left out: `null` stays `null` and stands for no commit at all. */
export const revisionOrNone = revision
  .nullable()
  .default(null)
  .meta({ kind: 'revision', isOptional: true, description: revision.meta()?.description })

export const ref = z
  .string()
  .superRefine(refuse('ref_invalid', refProblem))
  .meta({ kind: 'ref', description: 'HEAD, a branch, a tag, a full ref name or a full commit id.' })

/** A revision that the operation itself looks up where it runs, so that abbreviated ids do as well. */
export const localRevision = z
  .string()
  .superRefine(refuse('ref_invalid', revisionTextProblem))
  .meta({ description: 'A branch, a tag, a full or abbreviated commit id, with ~n and ^n.' })

/** The short name of a branch that is made, moved or deleted. */
export const branchName = z
  .string()
  .superRefine(refuse('ref_invalid', shortNameProblem))
  .meta({ description: 'Short name of the branch, without refs/heads/.' })

/** The short name of a tag that is made, moved or deleted. */
export const tagName = z
  .string()
  .superRefine(refuse('ref_invalid', shortNameProblem))
  .meta({ description: 'Short name of the tag, without refs/tags/.' })

/** A path inside the repository: a string, or base64 where it is not UTF-8. */
export const repoPath = pathField().meta({
  kind: 'path',
  description: 'A path inside the repository; {"base64": …} where it is not UTF-8.',
})

const pathList = z.array(pathField()).max(1000)

/** Several paths; empty means all. Always literal, never a pattern. */
export const repoPaths = pathList
  .default([])
  .meta({ kind: 'paths', description: 'Paths inside the repository, taken literally; none means all.' })

/** Several paths, at least one. */
export const givenPaths = pathList
  .min(1)
  .meta({ kind: 'paths', description: 'Paths inside the repository, taken literally.' })

/** A full object id in a value. */
export const oid = z
  .string()
  .regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/)
  .meta({ kind: 'oid', description: 'A full object id.' })

/** How many items an answer may hold. */
export function limit(standard: number, max = 10_000) {
  return z.int().min(1).max(max).default(standard).meta({ kind: 'limit', description: 'Most items in the answer.' })
}

/** How many bytes of content an answer may hold. */
export function maxBytes(standard = 1_048_576, max = 67_108_864) {
  return z
    .int()
    .min(1)
    .max(max)
    .default(standard)
    .meta({ kind: 'bytes', description: 'Most bytes of content in the answer.' })
}

/** Whether a value of this field names a commit, so that an id has to take its place. */
export function namesCommit(field: z.ZodType, value: unknown): boolean {
  return fieldKind(field) === 'revision' && ((value ?? null) !== null || field.meta()?.['isOptional'] !== true)
}

/** The kind of a field, looked up through defaults, optional and nullable. */
export function fieldKind(field: z.ZodType): FieldKind | null {
  for (let at: z.ZodType | undefined = field; at !== undefined; at = inner(at)) {
    const kind = at.meta()?.['kind']
    if (typeof kind === 'string') return kind as FieldKind
  }
  return null
}

function inner(field: z.ZodType): z.ZodType | undefined {
  const { def } = field as { def: { innerType?: z.ZodType } }
  return def.innerType
}

function pathField() {
  return z.union([z.string(), z.strictObject({ base64: z.base64() })]).superRefine(refuse('path_invalid', pathProblem))
}

function refuse<Value>(code: ErrorCode, problemOf: (value: Value) => string | null) {
  return (value: Value, context: z.RefinementCtx<Value>) => {
    const problem = problemOf(value)
    if (problem !== null) context.addIssue({ code: 'custom', message: problem, params: { code } })
  }
}
