import { percent } from '../measure/report.ts'
import { leastRecentlyUsed, optimum, type Hits } from './plain-policies.ts'
import { simulate } from './policy.ts'
import * as workloads from './workloads.ts'
import type { Workload } from './workloads.ts'

/** One workload with one budget, and how each policy did. */
export interface Line {
  readonly workload: string
  readonly repositories: number
  /** The budget as a share of the repositories. */
  readonly share: number
  /** Hits of all counted requests, from 0 to 1. */
  readonly lru: number
  readonly lruTtl: number
  readonly forkyard: number
  readonly optimum: number
  /** Cold seconds that hits avoid in an hour, and how many more than with the better plain policy. */
  readonly coldSecondsAvoided: number
  readonly coldSecondsMore: number
  /** Hours that reader sandboxes live, in a day. */
  readonly sandboxHours: number
}

export const shares: readonly number[] = [0.1, 0.2, 0.4]

/** The workload and budget of the two figures that are promised. */
export const main = { workload: 'independent, Zipf 1.0', repositories: 2000 } as const

/** Every workload; made when it is its turn, because the large ones take memory. */
export const all: readonly (() => Workload)[] = [
  ...[200, 2000, 20_000].flatMap((repositories) =>
    [0.9, 1, 1.1].map((exponent) => () => workloads.independent(repositories, exponent, repositories > 2000 ? 72 : 48)),
  ),
  () => workloads.workingDays(2000, 4),
  () => workloads.deployStorms(2000, 48),
  () => workloads.scans(2000, 48),
  () => workloads.sessions(2000, 48, 1, 50_000),
  () => workloads.sessions(2000, 48, 0, 50_000),
  () => workloads.sessions(200, 48, 1, 50_000),
  () => workloads.movingWork(2000, 24),
]

/**
 * What a cold start is taken to take: a quarter of the 13 s and more that a shallow clone of 80,000 files takes on two
 * cores without a network between, as for a repository of 20,000 files.
 */
export const COLD_START_S = 3
const TTL_MS = 3_600_000

/** Runs all policies; what comes in the first third of the requests only warms the caches up. */
export function lineOf(workload: Workload, share: number): Line {
  const budget = Math.floor(workload.repositories * share)
  const from = Math.floor(workload.at.length / 3)
  const hours = ((workload.at.at(-1) ?? 0) - (workload.at[from] ?? 0)) / 3_600_000
  const ours = simulate(workload, budget, from)
  const lru = rate(leastRecentlyUsed(workload, budget, Infinity), from)
  const lruTtl = rate(leastRecentlyUsed(workload, budget, TTL_MS), from)
  const forkyard = rate(ours.hits, from)
  const coldSeconds = ((workload.at.length - from) / hours) * COLD_START_S
  return {
    workload: workload.name,
    repositories: workload.repositories,
    share,
    lru,
    lruTtl,
    forkyard,
    optimum: rate(optimum(workload, budget), from),
    coldSecondsAvoided: coldSeconds * forkyard,
    coldSecondsMore: coldSeconds * (forkyard - Math.max(lru, lruTtl)),
    sandboxHours: ours.readers * 24,
  }
}

export const head: readonly string[] = [
  'workload',
  'repositories',
  'budget',
  'LRU',
  'LRU, 1 h',
  'forkyard',
  'optimum',
  'of the optimum',
  'to the better plain one',
  'cold s/h avoided',
  'sandbox-hours/day',
]

/** A line as cells below the head. */
export function cells(line: Line): readonly string[] {
  const { workload, repositories, share, lru, lruTtl, forkyard } = line
  return [
    workload,
    repositories.toLocaleString('en'),
    `${share * 100} %`,
    ...[lru, lruTtl, forkyard, line.optimum].map(percent),
    (forkyard / line.optimum).toFixed(3),
    signed(100 * (forkyard - Math.max(lru, lruTtl)), 2),
    `${line.coldSecondsAvoided.toFixed(0)} (${signed(line.coldSecondsMore, 0)})`,
    line.sandboxHours.toFixed(0),
  ]
}

/** What of the promises does not hold, a sentence each. */
export function broken(lines: readonly Line[]): readonly string[] {
  const promised = [
    { share: 0.1, hits: 0, ofOptimum: 0.8 },
    { share: 0.4, hits: 0.85, ofOptimum: 0.93 },
  ]
  return [
    ...lines
      .filter(({ forkyard, lru, lruTtl }) => forkyard < Math.max(lru, lruTtl) - 0.005)
      .map((line) => `${cells(line).slice(0, 3).join(', ')}: more than half a point below a plain policy`),
    ...promised.flatMap(({ share, hits, ofOptimum }) =>
      lines
        .filter(({ workload, repositories }) => workload === main.workload && repositories === main.repositories)
        .filter((line) => line.share === share && (line.forkyard < hits || line.forkyard < ofOptimum * line.optimum))
        .map(({ forkyard }) => `budget ${share * 100} %: ${percent(forkyard)} are too few hits`),
    ),
  ]
}

function rate(hits: Hits, from: number): number {
  return hits.subarray(from).reduce((sum, hit) => sum + hit, 0) / (hits.length - from)
}

function signed(value: number, digits: number): string {
  const text = value.toFixed(digits)
  return Number(text) < 0 ? text : `+${text.replace('-', '')}`
}
