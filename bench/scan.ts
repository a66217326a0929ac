import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { parseSettings, type Settings } from '../src/config.ts'
import type { EngineState, ImageSummary } from '../src/engine/contract.ts'
import { leftovers } from '../test/support/leftovers.ts'
import { withGround } from './measure/ground.ts'
import { manyOf } from './measure/many-of.ts'
import { completeOptions, type BenchOptions } from './measure/options.ts'
import { canHaveOwnDisk, freeShareOf, withOwnDisk } from './measure/own-disk.ts'
import { saveResults, textTable } from './measure/report.ts'
import { resident } from './measure/resident.ts'
import { bytesAsTheyChange, withScratch } from './measure/scratch.ts'
import { call, sandboxUid, withService, type MeasuredService } from './measure/service.ts'
import { watch } from './measure/watch.ts'

const preset = 'files-20'
/** For how many images there is room. */
const places = 40
/** Repositories in which somebody works all the time. */
const residents = 5
const scanners = 16
const LOOK_EVERY_MS = 50
/** So small that all workspaces have their changes in memory, as they have on larger machines. */
const diskBytes = 64 * 1024 ** 2
/** A file system of which, beyond what images leave free, sandboxes on disk could still be made. */
const disk = { bytes: 1024 ** 3, minFreeShare: 0.6 }

/** A bound on what images take. */
interface Room {
  readonly name: string
  readonly stateDir: string
  readonly settings: Partial<Settings>
  /** What the images take, or leave, now. */
  readonly look: () => Promise<number>
  readonly isBroken: (seen: number) => boolean
  /** The worst that was seen, in words. */
  readonly worst: (seen: readonly number[]) => string
}

interface Scan {
  readonly room: string
  readonly requests: number
  readonly seconds: number
  readonly evictions: number
  readonly worst: string
  readonly seen: readonly number[]
  /** Those of `seen` that broke the bound. */
  readonly broken: readonly number[]
  /** What failed, or was gone, or was left behind. */
  readonly faults: readonly string[]
}

/** Repositories behind a server. */
interface Repos {
  readonly host: string
  readonly used: readonly string[]
  readonly scanned: readonly string[]
}

/**
 * As many small repositories as there are rounds are gone through, while some others are in use all the time: first with a
 * budget for the bytes of images, then with a file system that is nearly full. At no look may images take more than they
 * may, and what is in use has to be there to the end, to be worked in, forked and pushed from.
 */
export async function run(options: BenchOptions): Promise<void> {
  const { print, rounds, signal } = completeOptions(options, { rounds: 2000 })
  await withScratch(async (scratch) => {
    const served = join(scratch, 'served')
    await mkdir(served)
    await withGround([preset], { print, directory: served }, async (ground) => {
      const { host } = ground
      const source = ground.gitDir(preset)
      const names = Array.from({ length: rounds }, (_, at) => `scanned-${at}.git`)
      for (const name of names) await symlink(source, join(served, name))
      const urlOf = (name: string): string => `http://${host}/${name}`
      const used = await manyOf(source, served, { name: 'used', count: residents })
      const repos: Repos = { host, used: used.map(urlOf), scanned: names.map(urlOf) }
      const imageBytes = await weigh(join(scratch, 'weighed'), host, ground.url(preset))
      const roomBytes = places * imageBytes
      await print(`an image takes ${megabytes(imageBytes)}: there is room for ${places}\n`)

      const scans = [await scanWithin(repos, budget(join(scratch, 'budget'), roomBytes), signal)]
      if (canHaveOwnDisk) scans.push(await scanFullDisk(repos, join(scratch, 'disk'), roomBytes, signal))
      else await print('SKIPPED, a nearly full file system: only root can make one\n')
      await print(textTable([head, ...scans.map(row)]))
      await print(`samples: ${await saveResults('scan', { places, imageBytes, scans })}\n`)
      const harm = scans.flatMap(({ faults, broken, worst }) => (broken.length > 0 ? [worst, ...faults] : faults))
      if (harm.length > 0) throw new Error(`The scan did harm: ${harm.slice(0, 10).join('; ')}`)
    })
  })
}

function budget(stateDir: string, maxImageBytes: number): Room {
  return {
    name: 'budget for bytes',
    stateDir,
    settings: { maxImageBytes },
    look: () => bytesAsTheyChange(join(stateDir, 'layers')),
    isBroken: (bytes) => bytes > maxImageBytes,
    worst: (seen) => `at most ${megabytes(Math.max(...seen))} of ${megabytes(maxImageBytes)}`,
  }
}

async function weigh(stateDir: string, host: string, repo: string): Promise<number> {
  return withService({ stateDir, host }, async ({ url }) => {
    const { bytes } = await call<{ bytes: number | null }>(`${url}/v1/images`, { repo })
    if (bytes === null) throw new Error('Cannot measure: an image was not weighed')
    return bytes
  })
}

/** Others have taken so much of a file system that images may take only `roomBytes` more. */
async function scanFullDisk(repos: Repos, path: string, roomBytes: number, signal: AbortSignal): Promise<Scan> {
  const { bytes, minFreeShare } = disk
  const takenBytes = Math.floor(bytes * (1 - minFreeShare) - roomBytes)
  const room: Room = {
    name: 'free space',
    stateDir: join(path, 'state'),
    settings: { minFreeShare },
    look: () => freeShareOf(path),
    isBroken: (share) => share < minFreeShare,
    worst: (seen) => `at least ${percent(Math.min(...seen))} free of ${percent(minFreeShare)}`,
  }
  return withOwnDisk(path, { bytes, takenBytes }, () => scanWithin(repos, room, signal))
}

async function scanWithin({ host, used, scanned }: Repos, room: Room, signal: AbortSignal): Promise<Scan> {
  const { name, stateDir, settings, look, isBroken, worst } = room
  const scan = await withService({ stateDir, host, settings: { ...settings, diskBytes } }, async (service) => {
    const working = await Promise.all(used.map((repo) => resident(service, repo)))
    const before = await imagesOf(service)
    const ending = new AbortController()
    const work = Promise.allSettled(working.map((one) => one.workUntil(ending.signal)))
    const startedAt = performance.now()
    const { result: refused, seen } = await watch({ look, everyMs: LOOK_EVERY_MS }, () =>
      scanAll(service, scanned, signal).finally(() => ending.abort()),
    )
    const seconds = (performance.now() - startedAt) / 1000
    const after = await imagesOf(service)
    const lost = [...before].filter((id) => !after.has(id)).map((id) => `image ${id} in use is gone`)
    const failed = (await work)
      .filter(({ status }) => status === 'rejected')
      .map((one) => String((one as PromiseRejectedResult).reason))
    const { shared } = await call<EngineState>(`${service.url}/v1/state`, null, { method: 'GET' })
    const faults = [...refused, ...failed, ...lost]
    return { requests: scanned.length, seconds, evictions: shared?.cache.evictions ?? 0, seen, faults }
  })
  const left = leftovers({ settings: parseSettings({ stateDir, ...sandboxUid }) })
  const faults = [...scan.faults, ...left.map((one) => `${one.split('\n', 1)[0]} is left`)]
  return { ...scan, room: name, worst: worst(scan.seen), broken: scan.seen.filter(isBroken), faults }
}

/** Goes through all of them, each asked for once, in one of two ways; gives what was refused. */
async function scanAll(
  { url }: MeasuredService,
  repos: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const refused: string[] = []
  const rest = repos.entries()
  const scanner = async (): Promise<void> => {
    for (const [at, repo] of rest) {
      signal.throwIfAborted()
      await (at % 2 === 0 ? visit(url, repo) : call(`${url}/v1/operations/log`, { repo })).catch((error: unknown) =>
        refused.push(`${repo}: ${String(error)}`),
      )
    }
  }
  await Promise.all(Array.from({ length: scanners }, scanner))
  return refused
}

async function visit(url: string, repo: string): Promise<void> {
  const { id } = await call<{ id: string }>(`${url}/v1/workspaces`, { repo })
  await call(`${url}/v1/workspaces/${id}`, null, { method: 'DELETE' })
}

async function imagesOf({ url }: MeasuredService): Promise<ReadonlySet<string>> {
  const images = await call<readonly ImageSummary[]>(`${url}/v1/images`, null, { method: 'GET' })
  return new Set(images.map(({ id }) => id))
}

const head: readonly string[] = ['room', 'requests', 'per second', 'evictions', 'seen', 'looks', 'too much', 'faults']

function row({ room, requests, seconds, evictions, worst, seen, broken, faults }: Scan): readonly string[] {
  const figures = [requests, (requests / seconds).toFixed(1), evictions, worst, seen.length, broken.length]
  return [room, ...figures.map(String), String(faults.length)]
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`
}
