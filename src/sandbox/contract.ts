import type { Command, Running } from '../core/exec.ts'

/** Makes sandboxes; knows nothing of git. */
export interface SandboxDriver {
  readonly name: 'local' | 'e2b'
  readonly supports: DriverSupport
  /** Says that a sandbox will be asked for soon, so that what takes its time can be under way. */
  prepare(): void
  /** A sandbox from a template or an image, ready for commands. */
  create(spec: SandboxSpec, options: { signal: AbortSignal }): Promise<Sandbox>
  /** The same before anybody asks for it. */
  createSpare(spec: SandboxSpec, options: { signal: AbortSignal }): Promise<Spare>
  /**
   * Live sandboxes that begin with all files that another live one has written, and are otherwise made as it was. Its
   * programs stand still meanwhile and go on; a fork has none of them, nor their sockets and what lies in /dev/shm. Either
   * all forks are made or none is left. Throws `sandbox_lost` where the source is gone or ends meanwhile, and the limit
   * that a fork would exceed.
   */
  fork(sandbox: Sandbox, count: number, options: ForkOptions): Promise<readonly Sandbox[]>
  /** Turns a sandbox with a disk upper into an image called `id`; the sandbox is gone afterwards. Throws `not_freezable`. */
  freeze(sandbox: Sandbox, id: string): Promise<Image>
  /** Removes an image; sandboxes made from it keep working. */
  drop(id: string): Promise<void>
  /** The image of that id; throws `image_not_found`, and `image_incompatible` where it was made under other conditions. */
  image(id: string): Promise<Image>
  images(): Promise<readonly Image[]>
  /** The file system that images lie on; `null` where that is somebody else's. */
  space(): Promise<Space | null>
  /** What runs or was left behind, so that it can be adopted or reaped. */
  sandboxes(): AsyncIterable<SandboxRecord>
  /** What removing an image would give back of the disk, in bytes, once that is known; throws `image_not_found`. */
  weigh(id: string): Promise<number>
  /** Resolves once every image frozen so far is weighed and would survive a power cut. */
  synced(): Promise<void>
  /** Destroys every sandbox this driver made and still has. */
  close(): Promise<void>
}

/** What a driver can do beyond the contract; data, checked when the system is composed. */
export interface DriverSupport {
  /** The driver's sandboxes carry the fsmonitor hook and the directories it reads. */
  readonly fsmonitorHook: boolean
  readonly uppers: readonly Upper[]
}

/** Where a sandbox's changes live: memory is fast and capped, disk can be frozen. */
export type Upper = 'memory' | 'disk'

export interface SandboxSpec {
  /** `null` for a blank sandbox of the template. */
  readonly image: string | null
  readonly upper: Upper
  readonly network: 'none' | 'host'
  readonly limits: SandboxLimits
  readonly metadata: Readonly<Record<string, string>>
}

export interface SandboxLimits {
  readonly diskBytes: number
  readonly inodes: number
  readonly memoryBytes: number
  readonly processes: number
  /** CPU share, in cores. */
  readonly cpus: number
}

export interface ForkOptions {
  readonly signal: AbortSignal
  /** What is noted about each fork, by its place in the answer. */
  readonly metadata: (index: number) => SandboxSpec['metadata']
}

export interface Sandbox {
  readonly id: string
  readonly image: string | null
  /** Plain sentences about limits that this host cannot enforce. */
  readonly warnings: readonly string[]
  exec(command: Command): Running
  /** Ends every process and removes every trace; safe to call twice. */
  destroy(): Promise<void>
}

/** A sandbox that waits for somebody to ask for it; until then it claims none of the room that is kept for changes. */
export interface Spare {
  /** Where changes will live: in memory where there may be room for them by the time it is lent. */
  readonly upper: Upper
  /** Whether it still exists, as far as is known without asking. */
  readonly isAlive: boolean
  /** Makes it a sandbox like any other, noted as `metadata`; `null` where memory has no room for it now. Throws `sandbox_lost`. */
  lend(metadata: SandboxSpec['metadata']): Sandbox | null
  /** Removes every trace of it; of one that was lent too. */
  destroy(): Promise<void>
}

/** A frozen sandbox: an ordered stack of read-only layers. */
export interface Image {
  readonly id: string
  /** Layer ids, the newest first. */
  readonly layers: readonly string[]
  /**
   * What it adds to the disk: its newest layer, and those of images below it that were removed; `null` until it was
   * weighed, which `synced` waits for.
   */
  readonly bytes: number | null
  readonly createdAt: number
}

export interface Space {
  readonly freeBytes: number
  readonly totalBytes: number
}

export interface SandboxRecord {
  readonly id: string
  /** `null` for a blank one. */
  readonly image: string | null
  /** Whether this driver made it, not one of another process. */
  readonly isOurs: boolean
  readonly metadata: Readonly<Record<string, string>>
  readonly isAlive: boolean
}

/** Files a sandbox shows read-only, by path, with their mode. */
export type TemplateFiles = Readonly<Record<string, { readonly content: string | Buffer; readonly mode: number }>>

/** What a blank sandbox contains beyond the programs of the driver. */
export interface Template {
  /** Files of the sandbox's read-only /etc. */
  readonly etc: TemplateFiles
  /** Versions of the tools that images depend on; images of other versions are built anew. */
  readonly tools: string
}
