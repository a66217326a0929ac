import { catalog } from '../core/errors.ts'
import { spanNames } from '../core/spans.ts'

/** How work ended, as few words as an operator needs; the codes are counted beside. */
export const outcomes = ['ok', 'refused', 'failed', 'canceled'] as const

export type Outcome = (typeof outcomes)[number]

/** Whether a sandbox that was asked for was there before, or had to be made. */
export const takings = ['hit', 'miss'] as const

/** What a label says where its value is not one that was declared. */
export const OTHER = 'other'

/** What a label says where there is nothing to say. */
export const NONE = 'none'

/** Values that only the composition knows: names of the registry and of the engine. */
export interface GivenValues {
  readonly operation: readonly string[]
  readonly effect: readonly string[]
  readonly tier: readonly string[]
  readonly subcommand: readonly string[]
}

/** Every label with all it may say, beside `other` and `none`; `null` where a bounded list of the most frequent is kept. */
export function labelValues(given: GivenValues) {
  return {
    ...given,
    outcome: outcomes,
    found: takings,
    work: spanNames,
    code: Object.keys(catalog),
    method: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    // Templates of the routes that there are; what matches none has none.
    route: null,
    status: ['1xx', '2xx', '3xx', '4xx', '5xx'],
    repository: null,
  } as const satisfies Record<string, readonly string[] | null>
}

export type LabelName = keyof ReturnType<typeof labelValues>

interface Definition {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly name: string
  readonly help: string
  readonly labels: readonly LabelName[]
  readonly buckets?: readonly number[]
}

/** Seconds: a fork takes a hundredth, a clone of something large a minute. */
const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

/** Every metric of ours, once. */
export const definitions = {
  operations: {
    type: 'counter',
    name: 'forkyard_operations_total',
    help: 'Requests to the engine by what was asked, what served them and how they ended.',
    labels: ['operation', 'effect', 'tier', 'outcome'],
  },
  operationSeconds: {
    type: 'histogram',
    name: 'forkyard_operation_duration_seconds',
    help: 'Time of requests to the engine; tier none where no answer was given.',
    labels: ['operation', 'tier'],
    buckets: seconds,
  },
  workSeconds: {
    type: 'histogram',
    name: 'forkyard_work_duration_seconds',
    help: 'Time of pieces of work: resolve, wait, build, fetch, fork, exec, push, destroy and others.',
    labels: ['work', 'outcome'],
    buckets: seconds,
  },
  gitSeconds: {
    type: 'histogram',
    name: 'forkyard_git_duration_seconds',
    help: 'Time of runs of git by subcommand.',
    labels: ['subcommand', 'outcome'],
    buckets: seconds,
  },
  failures: {
    type: 'counter',
    name: 'forkyard_failures_total',
    help: 'Pieces of work that failed or were refused, by the code of the error.',
    labels: ['work', 'code'],
  },
  builds: {
    type: 'counter',
    name: 'forkyard_builds_total',
    help: 'Images that were made: clones and refreshes.',
    labels: ['tier', 'outcome'],
  },
  evictions: {
    type: 'counter',
    name: 'forkyard_evictions_total',
    help: 'Repositories whose images were removed because there was no room for them.',
    labels: [],
  },
  poolTakes: {
    type: 'counter',
    name: 'forkyard_pool_takes_total',
    help: 'Sandboxes that were asked for, by whether one waited.',
    labels: ['found'],
  },
  poolWastedSeconds: {
    type: 'counter',
    name: 'forkyard_pool_wasted_seconds_total',
    help: 'Time that sandboxes waited which nobody took.',
    labels: [],
  },
  fetchedBytes: {
    type: 'counter',
    name: 'forkyard_fetched_bytes_total',
    help: 'Bytes of packs that came from upstreams.',
    labels: [],
  },
  repositoryOperations: {
    type: 'counter',
    name: 'forkyard_repository_operations_total',
    help: 'Answers by repository, for those asked most; the others together.',
    labels: ['repository'],
  },
  repositoryFetchedBytes: {
    type: 'counter',
    name: 'forkyard_repository_fetched_bytes_total',
    help: 'Bytes that answers fetched by repository, for those asked most; the others together.',
    labels: ['repository'],
  },
  httpRequests: {
    type: 'counter',
    name: 'forkyard_http_requests_total',
    help: 'HTTP requests by route and class of status.',
    labels: ['method', 'route', 'status'],
  },
  httpSeconds: {
    type: 'histogram',
    name: 'forkyard_http_request_duration_seconds',
    help: 'Time of HTTP requests until the last byte was handed over.',
    labels: ['route'],
    buckets: seconds,
  },
  httpUnderWay: { type: 'gauge', name: 'forkyard_http_requests', help: 'HTTP requests under way.', labels: [] },
  httpStreams: { type: 'gauge', name: 'forkyard_http_streams', help: 'Streams of records under way.', labels: [] },
  workspaces: { type: 'gauge', name: 'forkyard_workspaces', help: 'Workspaces that are open.', labels: [] },
  programs: {
    type: 'gauge',
    name: 'forkyard_programs',
    help: 'Programs of callers that run in workspaces.',
    labels: [],
  },
  readers: {
    type: 'gauge',
    name: 'forkyard_readers',
    help: 'Sandboxes that answer reads, idle ones included.',
    labels: [],
  },
  poolWaiting: {
    type: 'gauge',
    name: 'forkyard_pool_waiting',
    help: 'Sandboxes that wait to be asked for.',
    labels: [],
  },
  poolTarget: {
    type: 'gauge',
    name: 'forkyard_pool_target',
    help: 'Sandboxes that should wait, by what was asked for of late.',
    labels: [],
  },
  flights: {
    type: 'gauge',
    name: 'forkyard_flights',
    help: 'Pieces of work that several requests may share.',
    labels: [],
  },
  running: { type: 'gauge', name: 'forkyard_running', help: 'Pieces of work under way.', labels: [] },
  waiting: { type: 'gauge', name: 'forkyard_waiting', help: 'Pieces of work that wait for their turn.', labels: [] },
  images: { type: 'gauge', name: 'forkyard_images', help: 'Images that are kept.', labels: [] },
  imageBytes: {
    type: 'gauge',
    name: 'forkyard_image_bytes',
    help: 'What images take on disk, as far as weighed.',
    labels: [],
  },
  unrecorded: {
    type: 'counter',
    name: 'forkyard_unrecorded_total',
    help: 'Events that could not be recorded; the work itself is never touched by that.',
    labels: [],
  },
} as const satisfies Record<string, Definition>

type Definitions = typeof definitions

/** A metric by its key here. */
export type MetricKey = keyof Definitions

/** The metrics of one type. */
export type KeyOf<Type extends Definition['type']> = {
  [Key in MetricKey]: Definitions[Key]['type'] extends Type ? Key : never
}[MetricKey]

/** The labels that a metric must be given. */
export type LabelsOf<Key extends MetricKey> = Readonly<Record<Definitions[Key]['labels'][number], string>>

/** What is looked up when somebody asks, not counted as it happens. */
export const figures = [
  'workspaces',
  'programs',
  'readers',
  'poolWaiting',
  'poolTarget',
  'flights',
  'running',
  'waiting',
  'images',
  'imageBytes',
] as const satisfies KeyOf<'gauge'>[]

/** The figures of an engine. */
export type Figures = Readonly<Record<(typeof figures)[number], number>>
