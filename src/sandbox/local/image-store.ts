import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { AppError } from '../../core/errors.ts'
import type { Image } from '../contract.ts'
import { currentBoot, identify, isAlive, type ProcessIdentity } from '../../core/process-identity.ts'
import { du } from './disk-watch.ts'
import type { HostTool } from './host-command.ts'
import { removeStray } from './remove-tree.ts'
import { readJson, writeAtomically, type StateDir } from './state-dir.ts'

/** What must be the same for an image to be mounted; else it is dropped and built anew. */
export interface ImageConditions {
  readonly uid: number
  readonly xattrs: 'user'
  /** Versions of what made the image, from the template. */
  readonly tools: string
}

/** An image on disk: its layers are directories, this file makes them one. */
interface Manifest extends Image {
  readonly conditions: ImageConditions
  /** The boot during which the layer was written, `null` once it was synced to disk and outlives a power cut. */
  readonly unsyncedBoot: string | null
  /** Who wrote it: a manifest whose layer never came is garbage only once its maker is gone. */
  readonly maker: ProcessIdentity | null
}

export interface ImageStore {
  /** Images that can be mounted here, the newest first. */
  list(): readonly Image[]
  /** Whether an image of this id exists, usable or not. */
  has(id: string): boolean
  /** Throws `image_not_found`, or `image_incompatible` where it was made under other conditions. */
  get(id: string): Image
  /** Turns an upper directory into the newest layer of a new image. */
  add(id: string, upperDir: string, below: readonly string[]): Promise<Image>
  /** Removes an image, and those of its layers that nothing else uses. */
  drop(id: string): Promise<void>
  /** Deletes layers that neither an image nor a living sandbox uses: what a drop or a crash left. */
  collect(): Promise<void>
  /** Resolves once every image added so far is weighed and safe on disk. */
  synced(): Promise<void>
}

/**
 * Images as files of the state directory, shared by all processes on it; `layersInUse` names those of living sandboxes,
 * `tool` works on layers as the sandboxes' user.
 */
export function imageStore(
  state: StateDir,
  conditions: ImageConditions,
  layersInUse: () => readonly string[],
  tool: HostTool,
): ImageStore {
  const syncs = new Set<Promise<void>>()
  const manifestPath = (id: string): string => `images/${id}.json`

  function read(id: string): Manifest | null {
    return isName(id) ? asManifest(id, readJson(`${state.path}/${manifestPath(id)}`)) : null
  }

  function manifests(): readonly Manifest[] {
    const names = readdirSync(`${state.path}/images`).filter((name) => name.endsWith('.json'))
    return names.map((name) => read(name.slice(0, -'.json'.length))).filter((manifest) => manifest !== null)
  }

  function isUsable(manifest: Manifest): boolean {
    const { uid, xattrs, tools } = manifest.conditions
    const isSame = uid === conditions.uid && xattrs === conditions.xattrs && tools === conditions.tools
    const isWhole = manifest.unsyncedBoot === null || manifest.unsyncedBoot === currentBoot()
    return isSame && isWhole && manifest.layers.every((layer) => existsSync(`${state.path}/layers/${layer}`))
  }

  /** Runs beside the answer: until it ends, the image is trusted only within this boot. */
  async function settle(manifest: Manifest): Promise<void> {
    const layer = `${state.path}/layers/${manifest.id}`
    const bytes = (await du(layer, 'bytes', tool)) ?? 0
    const { code } = await tool(['sync', '-f', layer])
    const { unsyncedBoot } = manifest
    // It may have been dropped meanwhile; then nothing must come back.
    if (read(manifest.id) === null) return
    const settled = { ...manifest, bytes, unsyncedBoot: code === 0 ? null : unsyncedBoot }
    writeAtomically(state, manifestPath(manifest.id), JSON.stringify(settled))
  }

  return {
    list: () =>
      manifests()
        .filter(isUsable)
        .toSorted((a, b) => b.createdAt - a.createdAt),

    has: (id) => read(id) !== null,

    get(id) {
      const manifest = read(id)
      if (manifest === null) throw new AppError('image_not_found', `Cannot use image ${id}: there is none`)
      if (!isUsable(manifest))
        throw new AppError('image_incompatible', `Cannot use image ${id}: it was made under other conditions`)
      return manifest
    },

    async add(id, upperDir, below) {
      const image: Image = { id, layers: [id, ...below], bytes: null, createdAt: Date.now() }
      const manifest: Manifest = { ...image, conditions, unsyncedBoot: currentBoot(), maker: identify(process.pid) }
      // The manifest first: it counts only once all its layers are there, so the rename is what makes the image.
      writeAtomically(state, manifestPath(id), JSON.stringify(manifest))
      renameSync(upperDir, `${state.path}/layers/${id}`)
      // An image that could not be synced is trusted within this boot only, which is what its manifest says.
      const syncing = settle(manifest)
        .catch(() => {})
        .finally(() => syncs.delete(syncing))
      syncs.add(syncing)
      return image
    },

    async drop(id) {
      if (read(id) === null) throw new AppError('image_not_found', `Cannot drop image ${id}: there is none`)
      // Two processes may drop the same one.
      rmSync(`${state.path}/${manifestPath(id)}`, { force: true })
      await this.collect()
    },

    async collect() {
      for (const manifest of manifests()) {
        const isHalf = !manifest.layers.every((layer) => existsSync(`${state.path}/layers/${layer}`))
        if (isHalf && (manifest.maker === null || !isAlive(manifest.maker)))
          rmSync(`${state.path}/${manifestPath(manifest.id)}`, { force: true })
      }
      // In this order: a layer comes after its manifest, and a fork looks for the manifest after it wrote its journal.
      const present = readdirSync(`${state.path}/layers`)
      const used = new Set(['empty', ...manifests().flatMap(({ layers }) => layers), ...layersInUse()])
      const unused = present.filter((layer) => !used.has(layer))
      for (const layer of unused) await removeStray(tool, `${state.path}/layers/${layer}`)
    },

    synced: async () => void (await Promise.all(syncs)),
  }
}

/** Ids become paths and options of a mount. */
function isName(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{1,100}$/.test(value)
}

/** A manifest as we write it, or `null`: a power cut may leave half a file, and others may leave anything. */
function asManifest(id: string, value: unknown): Manifest | null {
  const { id: named, layers, conditions, createdAt } = (value ?? {}) as Partial<Manifest>
  const isWhole = named === id && typeof createdAt === 'number' && typeof conditions === 'object' && conditions !== null
  return isWhole && Array.isArray(layers) && layers.every(isName) ? (value as Manifest) : null
}
