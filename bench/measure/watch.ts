import { setTimeout as pause } from 'node:timers/promises'

/** Looks at a figure again and again while the work runs; gives what it was each time. */
export async function watch<Result>(
  { look, everyMs }: { readonly look: () => Promise<number>; readonly everyMs: number },
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly seen: readonly number[] }> {
  const seen: number[] = []
  const ending = new AbortController()
  const looking = (async () => {
    while (!ending.signal.aborted) {
      seen.push(await look())
      await pause(everyMs)
    }
  })()
  try {
    return { result: await work(), seen }
  } finally {
    ending.abort()
    await looking
  }
}
