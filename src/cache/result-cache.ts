import { LRUCache } from 'lru-cache'

/** Values of reads at fixed commits; whoever asks must have proved access to the repository just before. */
export interface ResultCache<Value extends object> {
  get(key: string): Value | null
  set(key: string, value: Value): void
}

/** A cache in memory, bounded by the size its values have as JSON. */
export function memoryResultCache<Value extends object>({ maxBytes }: { maxBytes: number }): ResultCache<Value> {
  if (maxBytes === 0) return { get: () => null, set: () => {} }
  const cache = new LRUCache<string, Value>({
    maxSize: maxBytes,
    maxEntrySize: Math.ceil(maxBytes / 8),
    sizeCalculation: sizeOf,
  })
  return {
    get: (key) => cache.get(key) ?? null,
    set: (key, value) => void cache.set(key, value),
  }
}

function sizeOf(value: object, key: string): number {
  return key.length + JSON.stringify(value).length
}
