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
  /** What its own layer takes; `null` until it was weighed. */
  readonly ownBytes: number | null
  /** What layers of removed images take that are kept for this one. */
  readonly inheritedBytes: number
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
  /** What an image adds to the disk; throws `image_not_found`. */
  weigh(id: string): Promise<number>
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
  const weighings = new Map<string, Promise<number>>()
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

  /** Changes what is said of an image; one that was dropped meanwhile must not come back. */
  function amend(id: string, change: (manifest: Manifest) => Partial<Manifest>): Manifest | null {
    const manifest = read(id)
    if (manifest === null) return null
    const amended = { ...manifest, ...change(manifest) }
    writeAtomically(state, manifestPath(id), JSON.stringify(amended))
    return amended
  }

  async function weigh(id: string): Promise<number> {
    const known = read(id)
    if (known === null) throw new AppError('image_not_found', `Cannot weigh image ${id}: there is none`)
    if (known.bytes !== null) return known.bytes
    const ownBytes = (await du(`${state.path}/layers/${id}`, 'bytes', tool)) ?? 0
    return ownBytes + (amend(id, () => ({ ownBytes }))?.inheritedBytes ?? 0)
  }

  /** Runs beside the answer: until it ends, the image is trusted only within this boot. */
  async function settle(id: string): Promise<void> {
    await weighings.get(id)
    const { code } = await tool(['sync', '-f', `${state.path}/layers/${id}`])
    if (code === 0) amend(id, () => ({ unsyncedBoot: null }))
  }

  /** The layer of an image that goes away stays where another stands on it, and weighs on that one from now on. */
  function bequeath({ id, ownBytes, inheritedBytes }: Manifest): void {
    const heirs = manifests().filter((manifest) => manifest.id !== id && manifest.layers.includes(id))
    const [heir] = heirs.toSorted((a, b) => a.createdAt - b.createdAt)
    const more = (ownBytes ?? 0) + inheritedBytes
    if (heir !== undefined) amend(heir.id, (now) => ({ inheritedBytes: now.inheritedBytes + more }))
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
      const manifest: Manifest = {
        id,
        layers: [id, ...below],
        createdAt: Date.now(),
        bytes: null,
        ownBytes: null,
        inheritedBytes: 0,
        conditions,
        unsyncedBoot: currentBoot(),
        maker: identify(process.pid),
      }
      // The manifest first: it counts only once all its layers are there, so the rename is what makes the image.
      writeAtomically(state, manifestPath(id), JSON.stringify(manifest))
      renameSync(upperDir, `${state.path}/layers/${id}`)
      const weighing = weigh(id).finally(() => weighings.delete(id))
      weighings.set(id, weighing)
      // An image that could not be synced is trusted within this boot only, which is what its manifest says.
      const syncing = settle(id)
        .catch(() => {})
        .finally(() => syncs.delete(syncing))
      syncs.add(syncing)
      return manifest
    },

    async drop(id) {
      const manifest = read(id)
      if (manifest === null) throw new AppError('image_not_found', `Cannot drop image ${id}: there is none`)
      bequeath(manifest)
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

    weigh: (id) => weighings.get(id) ?? weigh(id),
    synced: async () => void (await Promise.all(syncs)),
  }
}

/** Ids become paths and options of a mount. */
function isName(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{1,100}$/.test(value)
}

/** A manifest as we write it, or `null`: a power cut may leave half a file, and others may leave anything. */
function asManifest(id: string, value: unknown): Manifest | null {
  const found = (value ?? {}) as Partial<Manifest>
  const { id: named, layers, conditions, createdAt, ownBytes = found.bytes ?? null, inheritedBytes = 0 } = found
  const isWhole = named === id && typeof createdAt === 'number' && typeof conditions === 'object' && conditions !== null
  if (!isWhole || !Array.isArray(layers) || !layers.every(isName)) return null
  const bytes = ownBytes === null ? null : ownBytes + inheritedBytes
  return { ...(value as Manifest), ownBytes, inheritedBytes, bytes }
}
