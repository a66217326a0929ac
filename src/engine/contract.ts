import type { Running } from '../core/exec.ts'
import type { Progress } from '../core/progress.ts'
import type { ExactText } from '../git/bytes.ts'
import type { Needs } from '../git/operation.ts'
import type { Cost } from '../workspace/cost.ts'
import type { FileEntry, FileKind } from '../workspace/file-answer.ts'
import type { PoolFigures } from '../workspace/pool.ts'
import type { Step } from '../workspace/steps.ts'
import type { Advice } from './advisor.ts'
import type { CacheState, KeptState } from './cache-state.ts'
import type { Caller } from './caller.ts'

/** The one place where parts meet; the same interface in process and over HTTP. */
export interface Engine {
  /** Runs a named operation; `input` holds its own fields and the common ones (`repo`, `ref`, `maxStalenessMs`, `deadlineMs`). */
  run(name: string, input: unknown, options?: RequestOptions): Promise<Answer<unknown>>
  /** The same as records, made as they are read; with the first, what `run` would throw at once is thrown. */
  stream(name: string, input: unknown, options?: RequestOptions): AnswerRecords
  /** Runs a program in a throw-away fork of a repository. */
  exec(input: unknown, options?: RequestOptions): Promise<Execution>
  /** Lends a working copy of its own to the caller, until it is closed or its time is over. */
  open(input: unknown, options?: RequestOptions): Promise<Workspace>
  /** One that is open, by its id; throws `workspace_not_found`. */
  workspace(id: string, options?: CallerOptions): Promise<Workspace>
  /** The workspaces that the caller has open now. */
  workspaces(options?: CallerOptions): Promise<readonly WorkspaceSummary[]>
  /** What `run` would do and cost, without doing it. */
  explain(name: string, input: unknown, options?: RequestOptions): Promise<Explanation>
  /** Makes the image for a ref ready, durable on disk when it returns. */
  warm(input: unknown, options?: RequestOptions): Promise<Answer<WarmImage>>
  images(options?: CallerOptions): Promise<readonly ImageSummary[]>
  /** Removes an image by id; throws `image_not_found`. */
  drop(imageId: string, options?: CallerOptions): Promise<void>
  /** What it holds and does now; of workspaces, the caller's own. */
  state(options?: CallerOptions): Promise<EngineState>
  close(): Promise<void>
}

/** Who asks; nobody in particular where callers are not told apart. */
export interface CallerOptions {
  readonly caller?: Caller
}

export interface RequestOptions extends CallerOptions {
  readonly signal?: AbortSignal
  /** Value of an Authorization header for the upstream, `Basic …`; wins over configured credentials. */
  readonly gitAuthorization?: string
  /** Called with git's own counters while long work runs. */
  readonly onProgress?: (progress: Progress) => void
}

/** For a program that a caller runs in a workspace. */
export interface ProgramOptions extends RequestOptions {
  readonly stdin?: AsyncIterable<Uint8Array>
}

/** A working copy that belongs to one caller; every method throws `workspace_not_found` once it has ended. */
export interface Workspace {
  readonly id: string
  /** How it was opened. */
  readonly receipt: Receipt
  /** When it ends by itself (ISO 8601); `extend` moves it. */
  readonly expiresAt: string
  /** Runs a named operation in it; `input` holds its own fields and `deadlineMs`. Reads run together, writes alone. */
  run(name: string, input?: unknown, options?: RequestOptions): Promise<Answer<unknown>>
  /** The same as records, made as they are read. */
  stream(name: string, input?: unknown, options?: RequestOptions): AnswerRecords
  /** Starts a program in it: `argv`, `cwd` (from its root), `env`, `deadlineMs`, `maxOutputBytes`. */
  exec(input: unknown, options?: ProgramOptions): Promise<Execution>
  readonly files: WorkspaceFiles
  /** Copies it with everything that was changed, `count` times; a copy has no programs. */
  fork(input?: unknown, options?: RequestOptions): Promise<readonly Workspace[]>
  /** Lets it live `ttlMs` from now, and hold more `history` or a wider `cone` where that is asked for. */
  extend(input: unknown, options?: RequestOptions): Promise<Answer<Extension>>
  /** Ends its programs and removes every trace of it; safe to call twice. */
  close(): Promise<void>
}

/** The files of a workspace by their paths; no link is followed. */
export interface WorkspaceFiles {
  read(path: ExactText, options?: RequestOptions & FileRange): Promise<FilePart>
  /** The same as it is taken: the file is read no faster, and no further than somebody wants it. */
  stream(path: ExactText, options?: RequestOptions & FileRange): Promise<FileStream>
  write(
    path: ExactText,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    options?: RequestOptions & { isExecutable?: boolean | null },
  ): Promise<{ readonly existed: boolean; readonly bytes: number }>
  /** One directory; `null` is the root. */
  list(
    path: ExactText | null,
    options?: RequestOptions & { limit?: number },
  ): Promise<{ readonly entries: readonly FileEntry[]; readonly truncated: boolean }>
  /** Removes whatever has this name; a directory that is not empty only if `recursive`. */
  remove(path: ExactText, options?: RequestOptions & { recursive?: boolean }): Promise<{ readonly kind: FileKind }>
}

/** Which part of a file is wanted. */
export interface FileRange {
  /** Where to begin; negative: so many bytes before the end. */
  readonly offset?: number
  /** Most bytes to read; `null` for all up to the end. */
  readonly length?: number | null
}

/** Where a part of a file lies in the whole. */
export interface FilePlace {
  readonly size: number
  readonly offset: number
  readonly length: number
  readonly isExecutable: boolean
}

/** A part of a file. */
export interface FilePart extends FilePlace {
  readonly content: Buffer
}

/** A part of a file as it is read; who does not read to the end has to leave (`return`), as a `for await` does. */
export interface FileStream extends FilePlace {
  readonly content: AsyncIterableIterator<Uint8Array>
}

export interface Extension {
  readonly id: string
  readonly expiresAt: string
}

export interface WorkspaceSummary {
  readonly id: string
  readonly repo: string
  readonly ref: string
  /** Where the upstream's ref was when it was opened. */
  readonly commit: string
  readonly history: number | 'full'
  readonly cone: readonly string[]
  readonly expiresAt: string
  /** Programs that run in it. */
  readonly programs: number
}

export interface Answer<Value> {
  readonly value: Value
  readonly receipt: Receipt
}

/**
 * One step of an answer that is streamed. `start` comes first, with what is known of the receipt by then; `end` last, with
 * what `value` holds beside the items. A stream that fails throws, so that one without `end` is never whole.
 */
export type AnswerRecord =
  | { readonly type: 'start'; readonly receipt?: Partial<Receipt> }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'item'; readonly value: unknown }
  | { readonly type: 'end'; readonly value: unknown; readonly receipt: Receipt }

/**
 * Nothing is done before the first record is asked for, and little ahead of the reader; who leaves (`return`) or does not
 * ask for the next one in time (`reader_silent`) ends what is under way.
 */
export type AnswerRecords = AsyncIterableIterator<AnswerRecord, undefined, undefined>

/** How an answer came to be. */
export interface Receipt {
  readonly repo: string
  readonly ref: string
  readonly commit: string
  readonly history: number | 'full'
  /** Age of the knowledge that `ref` is `commit`, in milliseconds; 0 = asked for this request. */
  readonly stalenessMs: number
  readonly driver: string
  readonly tier: Tier
  /** The steps taken, in words. */
  readonly plan: readonly string[]
  readonly bytesFetched: number
  readonly phases: readonly { readonly name: string; readonly ms: number }[]
  readonly warnings: readonly string[]
  readonly correlationId: string
}

/** What can serve an answer, the cheapest first. */
export const tiers = ['result', 'workspace', 'pool', 'image', 'refresh', 'clone'] as const

export type Tier = (typeof tiers)[number]

/** A program under way in a fork. */
export interface Execution {
  readonly running: Running
  /** What the receipt will say, as far as it is known when the program starts. */
  readonly known: Partial<Receipt>
  /** Settles once the fork is gone. */
  readonly receipt: Promise<Receipt>
}

export interface Explanation {
  readonly needs: Needs
  /** What the chosen image holds; `null` where none exists yet. */
  readonly has: Needs | null
  readonly steps: readonly Step[]
  readonly cost: Cost
  /** What is kept of the repository, and why; `null` where nothing is, and to one of several tenants. */
  readonly kept: KeptState | null
}

export interface ImageSummary {
  readonly id: string
  readonly repo: string
  readonly tips: readonly string[]
  readonly has: Needs
  readonly cone: readonly string[]
  /** What its newest layer takes on disk; `null` until it was weighed. */
  readonly bytes: number | null
  readonly layers: number
  readonly createdAt: string
}

export interface EngineState {
  readonly driver: string
  readonly gitVersion: string
  /** Those that the caller has open; to an operator, and where callers are not told apart, all. */
  readonly workspaces: number
  /** Programs that run in them. */
  readonly programs: number
  /** What all tenants have together; `null` to who is only one of them. */
  readonly shared: SharedState | null
}

export interface SharedState {
  /** Sandboxes that answer reads, idle ones included. */
  readonly readers: number
  /** Pieces of work that several requests may share. */
  readonly flights: number
  /** Pieces of work under way, and those that wait for their turn. */
  readonly running: number
  readonly waiting: number
  /** Sandboxes that are made before they are asked for. */
  readonly pool: PoolFigures
  readonly images: number
  /** What images take on disk, as far as they were weighed. */
  readonly imageBytes: number
  readonly cache: CacheState
  /** What an operator might change, from what was measured. */
  readonly advice: readonly Advice[]
}

export interface WarmImage {
  readonly id: string
  readonly commit: string
  readonly bytes: number | null
}
