import { randomBytes } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'
import type { Exec } from '../core/exec.ts'
import { readWriteLock, type ReadWriteLock } from '../core/read-write-lock.ts'
import { settleAll } from '../core/settle-all.ts'
import { semaphore, type Semaphore } from '../core/semaphore.ts'
import type { LiveCopy } from '../workspace/live-copy.ts'
import { isOf, type Caller } from './caller.ts'
import type { Receipt } from './contract.ts'
import { endingGently } from './gentle-end.ts'
import type { Repository } from './repositories.ts'
import type { Resolution } from './resolve.ts'

/** What a workspace was opened as. */
export interface Opened {
  readonly repository: Repository
  readonly ref: string
  readonly resolution: Resolution
  readonly copy: LiveCopy
  /** How it was opened. */
  readonly receipt: Receipt
  /** What the working copy leaves out, in sentences. */
  readonly warnings: readonly string[]
  /** Whose it is. */
  readonly caller: Caller | undefined
}

/** A workspace somebody holds. */
export interface Lease extends Opened {
  readonly id: string
  /** Starts programs of callers, which are ended at once; what is ours, in `copy`, may take its locks away. */
  readonly exec: Exec
  /** Reads together, writes alone; programs of callers take no part. */
  readonly lock: ReadWriteLock
  /** What is brought from the upstream comes one after another. */
  readonly upgrades: Semaphore
  /** Aborts with `workspace_not_found` when it is closed or its time is over. */
  readonly ended: AbortSignal
  /** Programs of callers that run in it now. */
  programs: number
  /** While locks that nobody holds are taken away, which no program may start beside; never rejects. */
  sweeping: Promise<void> | null
  /** Milliseconds since the epoch. */
  expiresAt: number
}

/** The workspaces of this process; each ends by `end`, by its time, or with the process. */
export interface Leases {
  /** Throws `tenant_limit` where so many more would be too many for the caller's tenant. */
  checkRoom(caller: Caller | undefined, count: number): void
  /** Throws as `checkRoom`, and `sandbox_lost` once all were ended: whoever has opened it destroys it. */
  add(opened: Opened, ttlMs: number): Lease
  /** Throws `workspace_not_found`, also where it has ended or is another tenant's. */
  get(id: string, caller: Caller | undefined): Lease
  /** Those of the caller's tenant; of nobody in particular, all. */
  all(caller: Caller | undefined): readonly Lease[]
  /** Lets it live so long from now. */
  extend(lease: Lease, ttlMs: number): void
  /** Ends what runs in it and removes every trace; safe to call twice. */
  end(id: string): Promise<void>
  /** Ends all that there are, and lets nobody add another. Throws the first failure once all have ended or failed. */
  endAll(): Promise<void>
}

export function leases(clock: Clock): Leases {
  const held = new Map<string, { readonly lease: Lease; readonly ending: AbortController; timer: NodeJS.Timeout }>()
  const endings = new Map<string, Promise<void>>()
  let isOver = false

  function wait(lease: Lease): NodeJS.Timeout {
    const leftMs = Math.max(0, lease.expiresAt - clock.now())
    const timer = setTimeout(() => void expire(lease.id), Math.min(leftMs, 2 ** 31 - 1))
    // A workspace that nobody uses keeps no program alive.
    return timer.unref()
  }

  async function expire(id: string): Promise<void> {
    await end(id, 'its time is over').catch(() => {
      // Its traces are the reaper's, should the driver not get rid of them.
    })
  }

  function end(id: string, fact: string): Promise<void> {
    const known = held.get(id)
    if (known === undefined) return endings.get(id) ?? Promise.resolve()
    held.delete(id)
    clearTimeout(known.timer)
    known.ending.abort(notFound(fact))
    const ending = known.lease.copy.sandbox.destroy().finally(() => endings.delete(id))
    endings.set(id, ending)
    return ending
  }

  function all(caller: Caller | undefined): readonly Lease[] {
    const leases = [...held.values()].map(({ lease }) => lease)
    return leases.filter((lease) => isOf(lease.caller, caller))
  }

  function checkRoom(caller: Caller | undefined, count: number): void {
    const limit = caller?.limits.workspaces ?? null
    if (limit === null) return
    const open = all(caller).length
    if (open + count > limit)
      throw new AppError('tenant_limit', `Cannot open a workspace: this tenant has ${open} of at most ${limit} open`)
  }

  return {
    checkRoom,
    add(opened, ttlMs) {
      checkRoom(opened.caller, 1)
      if (isOver) throw new AppError('sandbox_lost', 'Cannot lend a workspace: the engine is closed')
      const ending = new AbortController()
      const id = `ws_${randomBytes(16).toString('hex')}`
      const { sandbox } = opened.copy
      const exec: Exec = (command) => sandbox.exec(command)
      const lease: Lease = {
        ...opened,
        copy: { ...opened.copy, sandbox: { ...sandbox, exec: endingGently(exec) } },
        id,
        exec,
        lock: readWriteLock(),
        upgrades: semaphore({ name: 'an upgrade', permits: 1, maxWaiting: Number.MAX_SAFE_INTEGER }),
        ended: ending.signal,
        programs: 0,
        sweeping: null,
        expiresAt: clock.now() + ttlMs,
      }
      held.set(id, { lease, ending, timer: wait(lease) })
      return lease
    },
    get(id, caller) {
      const known = held.get(id)
      if (known === undefined || !isOf(known.lease.caller, caller)) throw notFound('there is none of that id')
      return known.lease
    },
    all,
    extend(lease, ttlMs) {
      const known = held.get(lease.id)
      if (known === undefined) throw notFound('there is none of that id')
      clearTimeout(known.timer)
      lease.expiresAt = clock.now() + ttlMs
      known.timer = wait(lease)
    },
    end: (id) => end(id, 'it was closed'),
    async endAll() {
      isOver = true
      const ended = [...held.keys()].map((id) => end(id, 'it was closed'))
      await settleAll([...ended, ...endings.values()])
    },
  }
}

function notFound(fact: string): AppError {
  return new AppError('workspace_not_found', `Cannot use the workspace: ${fact}`)
}
