import type { z } from 'zod'
import type { Git } from './run-git.ts'

/** What an operation requires of a working copy; all the planner ever reads. */
export interface Needs {
  /** Commits reachable from each tip: a count of generations (1 = the tip alone, 0 = no object at all: refs suffice) or everything. */
  readonly history: number | 'full'
  /** Trees present: none, those that lead to `paths`, those of the tips, or of every commit in `history`. */
  readonly trees: Extent
  /** File contents present; `paths` = exactly what the operation's `blobs` lists. */
  readonly blobs: Extent
  /** Checked-out files: none, those of the cone of directories, or all. */
  readonly worktree: 'none' | 'cone' | 'full'
  /** Further refs that must exist: only the asked one, or also every tag with what it points at. */
  readonly refs: 'asked' | 'tags'
}

export type Extent = 'none' | 'paths' | 'tip' | 'all'

/** A name the repository gives to an object. */
export interface Ref {
  /** Full name, `refs/heads/main`. */
  readonly name: string
  readonly oid: string
  /** The commit an annotated tag leads to; equals `oid` otherwise. */
  readonly peeled: string
  /** The ref a symbolic ref stands for. */
  readonly symref: string | null
}

export interface OperationContext {
  readonly signal: AbortSignal
  /** Refs under a prefix, as the remote (one-shot) or the workspace has them. */
  refs(prefix: string): Promise<readonly Ref[]>
}

/** effect `read` changes nothing, `write` a workspace, `remote` talks to the upstream. */
export type Effect = 'read' | 'write' | 'remote'

export interface Operation<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodType = z.ZodType> {
  readonly name: string
  /** One sentence, for help, OpenAPI and docs. */
  readonly summary: string
  readonly effect: Effect
  /** Strict schema of the operation's own fields; common fields (`repo`, `ref`, …) are added by the doors. */
  readonly input: Input
  readonly output: Output
  /** An input that works on any repository with a `README.md`, for help and docs. */
  readonly example: z.input<Input>
  /** Whether a result is a pure function of commit ids and may be cached. */
  readonly isPure: boolean
  needs(input: z.output<Input>): Needs
  /** Ids of the file contents `run` will read where `needs.blobs` is `paths`; missing ones are fetched in one batch. */
  blobs?(git: Git, input: z.output<Input>, context: OperationContext): Promise<readonly string[]>
  run(git: Git, input: z.output<Input>, context: OperationContext): Promise<z.output<Output>>
  /** The value as plain text for people. */
  plain(value: z.output<Output>): string
}

/** Declares an operation; its route, command, schema, label and docs are derived from the value. */
export function defineOperation<Input extends z.ZodObject, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
): Operation<Input, Output> {
  return operation
}
