import { randomBytes } from 'node:crypto'
import type { ProcessIdentity } from '../../core/process-identity.ts'
import type { SandboxLimits, SandboxSpec, Upper } from '../contract.ts'
import type { Holders } from './holder.ts'
import { ownTool } from './host-command.ts'
import type { ImageStore } from './image-store.ts'
import type { Journal } from './journal.ts'
import type { Launcher } from './launcher-conversation.ts'
import { mountPlan, type MountSpec } from './mount-plan.ts'
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

/** Makes a sandbox: journal first, then directories, then the holder, so that a crash leaves nothing unknown. */
export async function createSandbox(
  ground: SandboxGround,
  spec: SandboxSpec,
  upper: Upper,
  onEnd: (id: string) => Promise<void>,
): Promise<LocalSandbox> {
  const { state, journal, store } = ground
  const { diskBytes, inodes } = spec.limits
  const id = `sb_${randomBytes(9).toString('hex')}`
  const layers = spec.image === null ? [] : store.get(spec.image).layers
  const { owner, filterPath, launcher } = ground
  journal.write({ id, owner, upper, layers, metadata: spec.metadata }, upper === 'memory' ? diskBytes : 0)
  try {
    // Only now is the image safe from being collected; it may have gone just before.
    if (spec.image !== null) store.get(spec.image)
    const diskDir = upper === 'disk' ? `${state.path}/run/${id}` : null
    if (diskDir !== null) for (const folder of ['', '/upper', '/work']) makeOwned(state, `${diskDir}${folder}`, 0o755)
    const steps = mountPlan({
      ...ground.mounts,
      stateDir: state.path,
      diskDir,
      layers,
      network: spec.network,
      diskBytes,
      inodes,
    })
    const holder = await ground.holders.take(steps, limitsOf(ground, spec, upper))
    const own = { id, spec, upper, diskDir, layers, holder, onEnd: () => onEnd(id) }
    return localSandbox({ ...own, filterPath, launcher, state, journal })
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
