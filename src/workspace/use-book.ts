import { forgettable, used, weight, type Use } from '../cache/use.ts'
import type { Usage } from '../directory/usage.ts'
import { askedAgain, mergedUse, noLaterThan, type Asked, type RepositoryUse } from './repository-use.ts'

/** How repositories were used: what was counted here at once, what others counted when it is looked at anew. */
export interface UseBook {
  count(repo: string, asked: Asked, at: number): void
  /** Of what nobody is known to have asked for, it says that it was used once, at `orElseAt`. */
  useOf(repo: string, orElseAt: number): Use
  /** All that are remembered, the most used first. */
  mostUsed(now: number): readonly { readonly repo: string; readonly known: RepositoryUse }[]
  find(repo: string): RepositoryUse | null
  /** Reads what others have written; a time that lies ahead of `now` is one of a clock that was wrong. */
  load(now: number): Promise<void>
  /** Writes down what was counted since the last time. */
  flush(): Promise<void>
  /** Forgets the least used of those that are not kept, where there are too many. */
  prune(kept: ReadonlySet<string>, now: number): Promise<void>
  close(): Promise<void>
}

/** How long counts wait to be written down together. */
const FLUSH_MS = 10_000

export function useBook(usage: Usage<RepositoryUse>): UseBook {
  /** With what is pending. */
  const known = new Map<string, RepositoryUse>()
  const pending = new Map<string, RepositoryUse>()
  let timer: NodeJS.Timeout | null = null
  let flushing: Promise<void> = Promise.resolve()

  async function write(): Promise<void> {
    for (const repo of [...pending.keys()]) {
      // Only now: more may have been counted while others were written.
      const counted = pending.get(repo)
      if (counted === undefined) continue
      pending.delete(repo)
      const both = await usage.add(repo, counted).catch((error: unknown) => {
        pending.set(repo, withPending(repo, counted))
        throw error
      })
      known.set(repo, withPending(repo, both))
    }
  }

  function withPending(repo: string, use: RepositoryUse): RepositoryUse {
    const since = pending.get(repo)
    return since === undefined ? use : mergedUse(use, since)
  }

  function flush(): Promise<void> {
    if (timer !== null) clearTimeout(timer)
    timer = null
    flushing = flushing.catch(() => {}).then(write)
    return flushing
  }

  return {
    count(repo, asked, at) {
      known.set(repo, askedAgain(known.get(repo) ?? null, asked, at))
      pending.set(repo, askedAgain(pending.get(repo) ?? null, asked, at))
      // What cannot be written is tried again with the next count.
      timer ??= setTimeout(() => void flush().catch(() => {}), FLUSH_MS).unref()
    },
    useOf: (repo, orElseAt) => known.get(repo)?.use ?? used(null, orElseAt),
    mostUsed: (now) =>
      [...known]
        .map(([repo, one]) => ({ repo, known: one }))
        .toSorted((a, b) => weight(b.known.use, now) - weight(a.known.use, now)),
    find: (repo) => known.get(repo) ?? null,

    async load(now) {
      for await (const { repo, entry } of usage.all()) known.set(repo, withPending(repo, noLaterThan(entry, now)))
    },
    flush,

    async prune(kept, now) {
      const gone = new Map([...known].filter(([repo]) => !kept.has(repo)).map(([repo, { use }]) => [repo, use]))
      for (const repo of forgettable(gone, now)) {
        known.delete(repo)
        pending.delete(repo)
        await usage.forget(repo)
      }
    },

    // It is a figure that is lost, no work.
    close: () => flush().catch(() => {}),
  }
}
