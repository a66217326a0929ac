import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { findCgroups } from '../../src/sandbox/local/cgroup.ts'
import type { EngineHome } from './engine-home.ts'
import { groupsInUse, isReadyLauncher } from './traces.ts'

/** Everything a home still has of sandboxes, builds and locks; empty when nothing runs on it. */
export function leftovers({ settings: { stateDir, sandboxUid } }: Pick<EngineHome, 'settings'>): readonly string[] {
  // What was removed already would seem clean.
  if (!existsSync(stateDir)) return [`${stateDir} is not there`]
  const files = ['run', 'tmp', 'directory/claims', 'directory/tmp'].flatMap((folder) =>
    entries(`${stateDir}/${folder}`),
  )
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(stateDir))
  const cgroups = findCgroups({ stateDir })
  const groups = cgroups === null ? [] : groupsInUse(cgroups)
  return [...files, ...mounts, ...groups, ...processesOf(stateDir, sandboxUid), ...imageFaults(stateDir)]
}

/** Layers without an image, images without layers or record, records without image. */
function imageFaults(stateDir: string): readonly string[] {
  const images = entries(`${stateDir}/images`).map((path) => JSON.parse(readFileSync(path, 'utf8')) as Manifest)
  const layers = entries(`${stateDir}/layers`).map((path) => path.slice(path.lastIndexOf('/') + 1))
  const used = new Set(images.flatMap((image) => image.layers))
  const records = entries(`${stateDir}/directory/repos`)
    .flatMap(entries)
    .map((path) => path.slice(path.lastIndexOf('/') + 1, -'.json'.length))
  return [
    ...layers.filter((layer) => layer !== 'empty' && !used.has(layer)).map((layer) => `layer ${layer} of no image`),
    ...[...used].filter((layer) => !layers.includes(layer)).map((layer) => `layer ${layer} is gone`),
    ...images.filter(({ id }) => !records.includes(id)).map(({ id }) => `image ${id} without record`),
    ...records.filter((id) => !images.some((image) => image.id === id)).map((id) => `record ${id} without image`),
  ]
}

interface Manifest {
  readonly id: string
  readonly layers: readonly string[]
}

function entries(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => `${folder}/${name}`) : []
}

/** Processes of the home's own uid; where tests do not run as root, those that stand in its state directory. */
function processesOf(stateDir: string, sandboxUid: number): readonly string[] {
  const isRoot = process.getuid?.() === 0
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const isOurs = isRoot ? isOf(pid, sandboxUid) : readlinkSync(`/proc/${pid}/cwd`) === stateDir
        return isOurs && !isReadyLauncher(Number(pid))
      } catch {
        // It ended just now, or is another user's.
        return false
      }
    })
    .map((pid) => `process ${pid} ${words(pid)}`)
}

/** A zombie has ended: it waits for a parent, perhaps the machine's first process, to look. */
function isOf(pid: string, uid: number): boolean {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return status.includes(`\nUid:\t${uid}\t`) && !status.includes('\nState:\tZ')
}

/** What a process is, for whoever has to find out why it is still there. */
function words(pid: string): string {
  try {
    const state = /^State:.*$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[0] ?? ''
    return `${state} ${readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').slice(0, 200)}`
  } catch {
    // It ended just now.
    return '(ended)'
  }
}
