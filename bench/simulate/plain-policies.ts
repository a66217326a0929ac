import type { Workload } from './workloads.ts'

/** For each request whether the repository's image was there when it arrived. */
export type Hits = Uint8Array

/** Plain LRU: who was used the longest ago goes; with `ttlMs`, who was not used for so long is gone as well. */
export function leastRecentlyUsed({ at, repository }: Workload, budget: number, ttlMs: number): Hits {
  const hits = new Uint8Array(at.length)
  /** The order of this map is that of last use. */
  const lastAt = new Map<number, number>()
  for (let index = 0; index < at.length; index += 1) {
    const now = at[index] ?? 0
    const key = repository[index] ?? 0
    const before = lastAt.get(key)
    hits[index] = before !== undefined && now - before <= ttlMs ? 1 : 0
    lastAt.delete(key)
    lastAt.set(key, now)
    for (const oldest of lastAt.keys()) {
      if (lastAt.size <= budget) break
      lastAt.delete(oldest)
    }
  }
  return hits
}

/** Belady's optimum: who is used again the latest goes. Nobody can do better who has to make room for what is asked. */
export function optimum({ at, repository, repositories }: Workload, budget: number): Hits {
  const next = nextUses(repository, repositories)
  const hits = new Uint8Array(at.length)
  const heap = latestFirst(at.length)
  /** Next use of each that is there; 0 for those that are not. */
  const nextOf = new Uint32Array(repositories)
  let size = 0
  for (let index = 0; index < at.length; index += 1) {
    const key = repository[index] ?? 0
    const isHit = nextOf[key] !== 0
    hits[index] = isHit ? 1 : 0
    if (!isHit && size === budget) {
      for (;;) {
        const { use, key: latest } = heap.take()
        // What was used since then has another place in the heap.
        if (nextOf[latest] !== use) continue
        nextOf[latest] = 0
        break
      }
    } else if (!isHit) size += 1
    nextOf[key] = next[index] ?? 0
    heap.add(next[index] ?? 0, key)
  }
  return hits
}

/** For each request the index of the next one for the same repository; those without one come after all others. */
function nextUses(repository: Uint32Array, repositories: number): Uint32Array {
  const next = new Uint32Array(repository.length)
  const seen = new Uint32Array(repositories).fill(repository.length)
  for (let index = repository.length - 1; index >= 0; index -= 1) {
    const key = repository[index] ?? 0
    next[index] = seen[key] ?? 0
    seen[key] = index
  }
  return next
}

/** A binary heap of uses to come. */
function latestFirst(capacity: number): {
  add(use: number, key: number): void
  take(): { readonly use: number; readonly key: number }
} {
  const uses = new Uint32Array(capacity + 1)
  const keys = new Uint32Array(capacity + 1)
  let size = 0

  function put(place: number, use: number, key: number): void {
    uses[place] = use
    keys[place] = key
  }

  function move(from: number, to: number): void {
    put(to, uses[from] ?? 0, keys[from] ?? 0)
  }

  return {
    add(use, key) {
      size += 1
      let place = size
      for (; place > 1 && (uses[place >> 1] ?? 0) < use; place >>= 1) move(place >> 1, place)
      put(place, use, key)
    },
    take() {
      const taken = { use: uses[1] ?? 0, key: keys[1] ?? 0 }
      const use = uses[size] ?? 0
      const key = keys[size] ?? 0
      size -= 1
      let place = 1
      for (;;) {
        let child = 2 * place
        if (child < size && (uses[child + 1] ?? 0) > (uses[child] ?? 0)) child += 1
        if (child > size || (uses[child] ?? 0) <= use) break
        move(child, place)
        place = child
      }
      put(place, use, key)
      return taken
    },
  }
}
