import type { z } from 'zod'
import type { ExactText } from './bytes.ts'
import type { Ref } from './ref.ts'
import type { ResolvedRef } from './remote/resolve-ref.ts'
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

export interface OperationContext {
  readonly signal: AbortSignal
  /** Refs under a prefix, as the remote (one-shot) or the workspace has them. */
  refs(prefix: string): Promise<readonly Ref[]>
  /** The checked-out files; only operations with effect `write` may touch them. */
  readonly files: WorktreeFiles
  /** Where the working copy came from; only operations with effect `remote` may ask it. */
  readonly upstream: OperationUpstream
}

/** The repository that a working copy came from, asked with the caller's credential. */
export interface OperationUpstream {
  /** Brings what a ref stands for, with as much history as the working copy has; its refs stay as they are. */
  fetch(ref: string): Promise<ResolvedRef>
  /** Brings contents by their ids where they are missing, in one batch. */
  bring(oids: readonly string[]): Promise<void>
  /**
   * Moves a branch to a commit of the working copy. Throws `ref_moved` where it is not where it is expected to be, and
   * `push_rejected`.
   */
  push(wish: BranchPush): Promise<{ readonly previous: string | null }>
}

export interface BranchPush {
  /** Short name. */
  readonly branch: string
  /** Full id. */
  readonly commit: string
  /** The id at which the branch must be; `none` where it must not exist yet, `null` where that plays no part. */
  readonly expectedOld: string | null
  /** Whether commits may be lost by it. */
  readonly force: boolean
}

/** Files of a worktree, reached by commands where they lie: no link on the way is ever followed. */
export interface WorktreeFiles {
  /**
   * Writes a whole file, and the directories above it that are missing. `isExecutable` null keeps the mode of a file
   * that exists. Throws `path_blocked` where a link, a directory or anything else that is no file is in the way.
   */
  write(path: ExactText, content: Uint8Array, options: WriteOptions): Promise<{ readonly existed: boolean }>
}

export interface WriteOptions {
  readonly isExecutable: boolean | null
  readonly signal: AbortSignal
}

/** effect `read` changes nothing, `write` a workspace, `remote` talks to the upstream. */
export const effects = ['read', 'write', 'remote'] as const

export type Effect = (typeof effects)[number]

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
  /** What has to be done in a fresh workspace before the example works, in order. */
  readonly exampleAfter?: readonly { readonly operation: string; readonly input: Readonly<Record<string, unknown>> }[]
  /** Of effect `remote`: whether this input makes sense for a repository, without a workspace. */
  isOneShot?(input: z.output<Input>): boolean
  /** Whether a result is a pure function of commit ids and may be cached. */
  readonly isPure: boolean
  needs(input: z.output<Input>): Needs
  /** Ids of the file contents `run` will read where `needs.blobs` is `paths`; missing ones are fetched in one batch. */
  blobs?(git: Git, input: z.output<Input>, context: OperationContext): Promise<readonly string[]>
  run(git: Git, input: z.output<Input>, context: OperationContext): Promise<z.output<Output>>
  /** How to have it one by one, where the answer is a list that git prints as it goes. */
  readonly items?: Listing<Input>
  /** The value as plain text for people. */
  plain(value: z.output<Output>): string
}

/** How an answer comes one by one. */
export interface Listing<Input extends z.ZodObject = z.ZodObject, Item = unknown, Rest = object> {
  /** The field of the answer that lists the items. */
  readonly list: string
  /**
   * Hands each item to `give` while git runs, and goes on when it was taken: git is never far ahead of a reader.
   * Resolves with the rest of the answer.
   */
  each(
    git: Git,
    input: z.output<Input>,
    context: OperationContext,
    give: (item: Item) => Promise<void> | void,
  ): Promise<Rest>
}

/** Declares an operation; its route, command, schema, label and docs are derived from the value. */
export function defineOperation<Input extends z.ZodObject, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
): Operation<Input, Output> {
  return operation
}

type ItemOf<Value, List extends string> = Value extends Readonly<Record<List, readonly (infer Item)[]>> ? Item : never

/** Declares an operation whose answer comes one by one; `run` is the same, gathered. */
export function defineListing<Input extends z.ZodObject, Output extends z.ZodObject, List extends string>({
  items,
  ...operation
}: Omit<Operation<Input, Output>, 'run' | 'items'> & {
  readonly items: Listing<Input, ItemOf<z.output<Output>, List>, Omit<z.output<Output>, List>> & { readonly list: List }
}): Operation<Input, Output> {
  return {
    ...operation,
    items,
    async run(git, input, context) {
      const gathered: unknown[] = []
      const rest = await items.each(git, input, context, (item) => void gathered.push(item))
      return { [items.list]: gathered, ...rest } as z.output<Output>
    },
  }
}
