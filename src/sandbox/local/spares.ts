import { AppError } from '../../core/errors.ts'
import type { ProcessIdentity } from '../../core/process-identity.ts'
import type { SandboxSpec, Spare } from '../contract.ts'
import type { Wanted } from './create-sandbox.ts'
import type { Journal } from './journal.ts'
import type { LocalSandbox } from './sandbox.ts'

interface SparesGround {
  readonly journal: Journal
  readonly owner: ProcessIdentity
  /** What all uppers in memory may take together, in bytes. */
  readonly memoryCap: number
}

interface Spares {
  /** Whether the next spare of this kind waits in memory. */
  readonly fits: (spec: SandboxSpec) => boolean
  /** Makes a spare by `create`; nothing is awaited before that is called. */
  make(wanted: Wanted, create: (wanted: Wanted) => Promise<LocalSandbox>): Promise<Spare>
}

/**
 * Sandboxes that wait. One that waits holds nothing in its upper: it reserves memory only when it is lent, so that it
 * never sends a sandbox in use to disk.
 */
export function spares({ journal, owner, memoryCap }: SparesGround): Spares {
  const waiting = new Set<Wanted>()

  const inMemory = (): readonly Wanted[] => [...waiting].filter(({ upper }) => upper === 'memory')

  /** Where those who ask would have theirs, one after the other; but one of a kind in memory, where room may come free. */
  function fits({ image, upper, limits }: SandboxSpec): boolean {
    if (upper !== 'memory' || limits.diskBytes > memoryCap) return false
    const others = inMemory()
    if (!others.some(({ spec }) => spec.image === image)) return true
    const claimed = others.reduce((sum, { spec }) => sum + spec.limits.diskBytes, journal.reservedBytes())
    return claimed + limits.diskBytes <= memoryCap
  }

  function spareOf(sandbox: LocalSandbox, wanted: Wanted): Spare {
    const { id, upper, layers } = sandbox
    const { reservedBytes } = wanted
    return {
      upper,
      get isAlive() {
        return sandbox.isAlive()
      },
      lend(metadata) {
        if (reservedBytes > 0 && journal.reservedBytes() + reservedBytes > memoryCap) return null
        if (!sandbox.isAlive()) throw new AppError('sandbox_lost', `Cannot lend sandbox ${id}: it is gone`)
        journal.reserve({ id, owner, upper, layers, metadata }, reservedBytes)
        waiting.delete(wanted)
        return sandbox
      },
      destroy() {
        waiting.delete(wanted)
        return sandbox.destroy()
      },
    }
  }

  return {
    fits,
    async make(wanted, create) {
      waiting.add(wanted)
      try {
        return spareOf(await create({ ...wanted, reservedBytes: 0 }), wanted)
      } catch (error) {
        waiting.delete(wanted)
        throw error
      }
    },
  }
}
