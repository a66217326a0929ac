import type { Has } from './needs.ts'
import type { Step } from './steps.ts'

/** Expected cost; `basis` says whether it was measured on this repository or is a default. */
export interface Cost {
  readonly ms: number
  readonly bytes: number
  readonly basis: 'measured' | 'estimated'
}

/** What is known of a repository and the way to it from earlier fetches; `null` = not known yet. */
export interface RepoFacts {
  readonly commits: number | null
  /** Files of the tip's tree. */
  readonly files: number | null
  /** All objects, packed. */
  readonly packBytes: number | null
  /** The tip's file contents, packed. */
  readonly blobBytesAtTip: number | null
  /** Time of a fetch that brings next to nothing. */
  readonly fetchMs: number | null
  readonly bytesPerMs: number | null
  readonly checkoutMsPerFile: number | null
}

/** The facts of a repository never seen before. */
export const noFacts: RepoFacts = {
  commits: null,
  files: null,
  packBytes: null,
  blobBytesAtTip: null,
  fetchMs: null,
  bytesPerMs: null,
  checkoutMsPerFile: null,
}

/** A step with what was there right before it and what the plan started from. */
export interface Stage {
  readonly step: Step
  readonly before: Has
  readonly start: Has
}

/** What of the image a plan forks makes it cost more or less. */
interface Base {
  readonly layers: number
  readonly newer: number
}

/** Adds up the expected cost of a plan's stages; `base` is the image it forks. */
export function estimate(stages: readonly Stage[], facts: RepoFacts, base: Base | null): Cost {
  const { layers, newer } = base ?? { layers: 0, newer: 0 }
  const size = sizeOf(facts, newer)
  let [ms, bytes] = [0, 0]
  for (const stage of stages) {
    const part = estimateStage(stage, size, layers)
    ms += part.ms
    bytes += part.bytes
  }
  // Something durable was made: it is frozen once and forked once more.
  if (stages.some(({ step }) => isLasting(step))) ms += freezeMs + forkMs
  const isMeasured = facts.commits !== null && facts.files !== null && facts.packBytes !== null
  return { ms: Math.round(ms), bytes: Math.round(bytes), basis: isMeasured ? 'measured' : 'estimated' }
}

/** Whether a step changes what the next image holds, as against what one answer needs. */
export function isLasting(step: Step): boolean {
  return step.kind !== 'fork' && !(step.kind === 'backfill' && step.extent === 'paths')
}

// Milliseconds and bytes, measured on generated and real repositories over loopback; the network is assumed.
const forkMs = 12
const layerMs = 0.3
const freezeMs = 40
const objectMs = 0.03
const indexMsPerByte = 0.00002
/** A blob asked for by id is searched and compressed anew by the server. */
const wantMs = 0.06
const listMsPerFile = 0.004
const commitBytes = 180
const treesPerCommit = 2.5
const blobsPerCommit = 1.6
const treeBytes = 120
const filesPerDirectory = 8
const treeBytesPerFile = 30
const coneShare = 0.1
/** Commits that one refresh is expected to bring. */
const commitsPerRefresh = 20

interface Size {
  readonly commits: number
  readonly files: number
  readonly tipBytes: number
  readonly blobBytesPerCommit: number
  readonly fetchMs: number
  readonly wireMsPerByte: number
  readonly checkoutMsPerFile: number
  /** Commits that a refresh of the base is expected to bring. */
  readonly news: number
}

function sizeOf(facts: RepoFacts, newer: number): Size {
  const commits = facts.commits ?? 5000
  const files = facts.files ?? 5000
  const tipBytes = facts.blobBytesAtTip ?? files * 4000
  const past = facts.packBytes === null ? null : facts.packBytes - tipBytes - commits * commitBytes
  return {
    commits,
    files,
    tipBytes,
    blobBytesPerCommit: past === null ? blobsPerCommit * 2500 : Math.max(past, 0) / Math.max(commits, 1),
    fetchMs: facts.fetchMs ?? 120,
    wireMsPerByte: 1 / (facts.bytesPerMs ?? 30_000),
    checkoutMsPerFile: facts.checkoutMsPerFile ?? 0.06,
    news: commitsPerRefresh * (newer + 1),
  }
}

interface Part {
  readonly ms: number
  readonly bytes: number
}

function estimateStage(stage: Stage, size: Size, layers: number): Part {
  const { step } = stage
  const isDelta = wasThere(stage.start, step)
  if (step.kind === 'fork') return { ms: forkMs + layers * layerMs, bytes: 0 }
  if (step.kind === 'fetch') return estimateFetch(step, stage.before, size)
  if (step.kind === 'backfill') return estimateBackfill(step, isDelta, size)
  const files = size.files * (step.cone.length === 0 ? 1 : Math.min(1, step.cone.length * coneShare))
  const written = isDelta ? Math.min(files, size.news * blobsPerCommit) : files
  return { ms: 10 + files * listMsPerFile + written * size.checkoutMsPerFile, bytes: 0 }
}

/** Whether an earlier version of what the step brings was there, so that only changes are missing. */
function wasThere(start: Has, step: Step): boolean {
  if (step.kind === 'checkout') return start.worktree !== 'none'
  if (step.kind !== 'backfill') return false
  if (step.extent === 'cone') return start.worktree !== 'none' || start.blobs !== 'none'
  return step.extent === 'all' ? start[step.what] === 'all' : start[step.what] !== 'none'
}

function estimateFetch(step: Step & { kind: 'fetch' }, before: Has, size: Size): Part {
  const isBlank = before.history === 0
  const deeper = generations(step.depth, size) - generations(before.history, size)
  const isNews = step.wants.some((id) => !before.tips.includes(id))
  const commits = Math.max(deeper, 0) + (isNews && !isBlank ? Math.min(size.news, size.commits) : 0)
  const past = Math.max(isBlank ? commits - 1 : commits, 0)
  const directories = isBlank ? size.files / filesPerDirectory : 0
  const hasTrees = step.filter !== 'tree:0'
  const hasBlobs = step.filter === 'none'
  const trees = hasTrees ? directories + past * treesPerCommit : 0
  const blobs = hasBlobs ? (isBlank ? size.files : 0) + past * blobsPerCommit : 0
  const bytes =
    commits * commitBytes +
    (hasTrees ? (isBlank ? size.files * treeBytesPerFile : 0) + past * treesPerCommit * treeBytes : 0) +
    (hasBlobs ? (isBlank ? size.tipBytes : 0) + past * size.blobBytesPerCommit : 0)
  return transfer(commits + trees + blobs, bytes, size)
}

function estimateBackfill(step: Step & { kind: 'backfill' }, isDelta: boolean, size: Size): Part {
  const { extent, what } = step
  const bytesPerFile = size.tipBytes / Math.max(size.files, 1)
  if (extent === 'paths') return asked(Math.min(size.files, 20), bytesPerFile, size)
  const listMs = size.files * listMsPerFile
  const share = extent === 'cone' ? Math.min(1, step.cone.length * coneShare) : 1
  const generationCount = extent === 'all' ? generations(step.depth, size) : 1
  const changes = isDelta ? generationCount : size.news + generationCount
  const blobs = isDelta ? changes * blobsPerCommit : size.files * share + changes * blobsPerCommit
  const trees = isDelta ? changes * treesPerCommit : size.files / filesPerDirectory + changes * treesPerCommit
  const part = what === 'blobs' ? asked(blobs, bytesPerFile, size) : asked(trees, treeBytes * 2, size)
  return { ms: part.ms + listMs, bytes: part.bytes }
}

function asked(objects: number, bytesEach: number, size: Size): Part {
  const part = transfer(objects, objects * bytesEach, size)
  return { ms: part.ms + objects * wantMs, bytes: part.bytes }
}

function transfer(objects: number, bytes: number, size: Size): Part {
  return { ms: size.fetchMs + objects * objectMs + bytes * (size.wireMsPerByte + indexMsPerByte), bytes }
}

function generations(history: number | 'full', size: Size): number {
  return history === 'full' ? size.commits : Math.min(history, size.commits)
}
