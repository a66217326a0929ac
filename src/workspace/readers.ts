import { hasCode } from '../core/errors.ts'
import type { Sandbox, SandboxDriver, SandboxLimits } from '../sandbox/contract.ts'

/** Sandboxes in which only reads of ours run, shared by all who read the same image. */
export interface Readers {
  /** Lends a reader of the image, which stays for a while for whoever comes next. */
  use<T>(image: string, read: (sandbox: Sandbox) => Promise<T>): Promise<T>
  /** Ends the reader of an image that goes away, once nobody reads any more. */
  forget(image: string): Promise<void>
  /** How many there are, idle ones included. */
  readonly size: number
  close(): Promise<void>
}

export interface ReadersSettings {
  readonly driver: SandboxDriver
  readonly limits: SandboxLimits
  /** How long a reader that nobody uses stays; 0 ends it with its last use. */
  readonly idleMs: number
  /** Readers that nobody uses, the longest unused going first. */
  readonly maxIdle: number
}

interface Reader {
  readonly image: string
  readonly sandbox: Promise<Sandbox>
  users: number
  /** While nobody uses it. */
  timer: NodeJS.Timeout | null
  isForgotten: boolean
}

export function readers({ driver, limits, idleMs, maxIdle }: ReadersSettings): Readers {
  // In order of last use.
  const known = new Map<string, Reader>()
  const endings = new Set<Promise<void>>()

  function open(image: string): Reader {
    const spec = { image, upper: 'memory', network: 'none', limits, metadata: { role: 'reader' } } as const
    // Shared: it is not the first caller's to be given up.
    const sandbox = driver.create(spec, { signal: new AbortController().signal })
    const reader: Reader = { image, sandbox, users: 0, timer: null, isForgotten: false }
    known.set(image, reader)
    sandbox.catch(() => leaveOut(reader))
    return reader
  }

  function leaveOut(reader: Reader): void {
    reader.isForgotten = true
    if (known.get(reader.image) === reader) known.delete(reader.image)
  }

  async function end(reader: Reader): Promise<void> {
    leaveOut(reader)
    if (reader.timer !== null) clearTimeout(reader.timer)
    const ending = reader.sandbox.then(
      (sandbox) => sandbox.destroy(),
      () => {
        // There is nothing to end.
      },
    )
    endings.add(ending)
    await ending.finally(() => endings.delete(ending))
  }

  function take(image: string): Reader {
    const reader = known.get(image) ?? open(image)
    if (reader.timer !== null) clearTimeout(reader.timer)
    reader.timer = null
    reader.users += 1
    return reader
  }

  async function giveBack(reader: Reader): Promise<void> {
    reader.users -= 1
    if (reader.users > 0) return
    if (reader.isForgotten || idleMs === 0) return end(reader)
    known.delete(reader.image)
    known.set(reader.image, reader)
    reader.timer = setTimeout(() => void end(reader).catch(() => {}), idleMs).unref()
    const idle = [...known.values()].filter(({ users }) => users === 0)
    await Promise.all(idle.slice(0, Math.max(0, idle.length - maxIdle)).map(end))
  }

  return {
    async use(image, read) {
      const reader = take(image)
      try {
        return await read(await reader.sandbox)
      } catch (error) {
        // Whoever comes next gets another one.
        if (hasCode(error, 'sandbox_lost')) leaveOut(reader)
        throw error
      } finally {
        await giveBack(reader)
      }
    },
    async forget(image) {
      const reader = known.get(image)
      if (reader === undefined) return
      leaveOut(reader)
      if (reader.users === 0) await end(reader)
    },
    get size() {
      return known.size
    },
    async close() {
      await Promise.all([...known.values()].map(end))
      await Promise.all(endings)
    },
  }
}
