import { randomBytes } from 'node:crypto'
import type { ProcessIdentity } from '../../core/process-identity.ts'
import type { SandboxLimits, SandboxSpec, Upper } from '../contract.ts'
import type { Holders } from './holder.ts'
import { ownTool } from './host-command.ts'
import type { ImageStore } from './image-store.ts'
import type { Journal } from './journal.ts'
import type { Launcher } from './launcher-conversation.ts'
import { mountPlan, planFields, storagePlan, viewPlan, type HolderStep, type MountSpec } from './mount-plan.ts'
import { removeStray } from './remove-tree.ts'
import { localSandbox, type LocalSandbox } from './sandbox.ts'
import { makeOwned, type StateDir } from './state-dir.ts'

/** What all sandboxes of a driver have in common. */
export interface SandboxGround {
  readonly state: StateDir
  readonly owner: ProcessIdentity
  readonly journal: Journal
  readonly store: ImageStore
  readonly holders: Holders
  readonly filterPath: string
  readonly launcher: Launcher
  readonly mounts: Pick<MountSpec, 'etcDir' | 'alternativesDir' | 'certificatesDir' | 'tmpBytes' | 'shmBytes' | 'links'>
}

/** A sandbox to be made; `onEnd` is called when it is gone. */
export interface Wanted {
  readonly spec: SandboxSpec
  readonly upper: Upper
  /** What its changes may take of the memory that all share. */
  readonly reservedBytes: number
  readonly onEnd: (id: string) => Promise<void>
}

/** Makes a sandbox of the template or of an image. */
export async function createSandbox(ground: SandboxGround, wanted: Wanted): Promise<LocalSandbox> {
  const { image } = wanted.spec
  const layers = (): readonly string[] => (image === null ? [] : ground.store.get(image).layers)
  const { sandbox } = await begin(ground, wanted, layers, mountPlan)
  return sandbox
}

/** A sandbox whose upper, /home and /tmp can still be filled from outside: no command sees them yet. */
export interface Draft {
  readonly sandbox: LocalSandbox
  /** Lets commands see what is there. */
  open(): Promise<void>
}

/** Begins a fork of a live sandbox, whose layers it shares. */
export async function draftSandbox(ground: SandboxGround, wanted: Wanted, source: LocalSandbox): Promise<Draft> {
  const { sandbox, mounts } = await begin(ground, wanted, () => source.layers, storagePlan)
  return { sandbox, open: () => sandbox.holder.launcher.hold(planFields(viewPlan(mounts))) }
}

/** Journal first, then directories, then the holder, so that a crash leaves nothing unknown. */
async function begin(
  ground: SandboxGround,
  { spec, upper, reservedBytes, onEnd }: Wanted,
  layersOf: () => readonly string[],
  plan: (mounts: MountSpec) => readonly HolderStep[],
): Promise<{ readonly sandbox: LocalSandbox; readonly mounts: MountSpec }> {
  const { state, journal, owner, filterPath, launcher } = ground
  const { diskBytes, inodes } = spec.limits
  const id = `sb_${randomBytes(9).toString('hex')}`
  const layers = layersOf()
  journal.write({ id, owner, upper, layers, metadata: spec.metadata }, reservedBytes)
  try {
    // Only now is an image safe from being collected; it may have gone just before.
    layersOf()
    const diskDir = upper === 'disk' ? `${state.path}/run/${id}` : null
    if (diskDir !== null) for (const folder of ['', '/upper', '/work']) makeOwned(state, `${diskDir}${folder}`, 0o755)
    const { network } = spec
    const mounts = { ...ground.mounts, stateDir: state.path, diskDir, layers, network, diskBytes, inodes }
    const holder = await ground.holders.take(plan(mounts), limitsOf(ground, spec, upper))
    const own = { id, spec, upper, diskDir, layers, holder, onEnd: () => onEnd(id) }
    return { sandbox: localSandbox({ ...own, filterPath, launcher, state, journal }), mounts }
  } catch (error) {
    // Nothing ran in it, and what we made is ours to delete, even where the sandboxes' user cannot reach it.
    await removeStray(ownTool, `${state.path}/run/${id}`)
    journal.erase(id)
    throw error
  }
}

/** Memory of tmpfs counts as memory of who wrote it, so what may be written is added to what programs may use. */
function limitsOf({ mounts }: SandboxGround, { limits }: SandboxSpec, upper: Upper): SandboxLimits {
  const written = mounts.tmpBytes + mounts.shmBytes + (upper === 'memory' ? limits.diskBytes : 0)
  // The process that holds the sandbox is one of its processes.
  return { ...limits, memoryBytes: limits.memoryBytes + written, processes: limits.processes + 1 }
}
