import type { Writable } from 'node:stream'

/** Told while the other side takes nothing, and once it does again. */
export interface Pace {
  onWait(): void
  onTaken(): void
}

/**
 * Sends chunks as fast as they are taken, then the end. The last chunk is held back until its source has ended well, so
 * that nobody ever sees the whole of what failed in the end. Returns early where `to` is destroyed.
 */
export async function sendChunks(to: Writable, chunks: AsyncIterable<Uint8Array>, pace: Pace): Promise<void> {
  let held: Uint8Array | null = null
  for await (const chunk of chunks) {
    if (to.destroyed) return
    if (chunk.length === 0) continue
    if (held !== null && !to.write(held)) {
      pace.onWait()
      await taken(to)
      pace.onTaken()
      if (to.destroyed) return
    }
    held = chunk
  }
  if (!to.destroyed) to.end(held ?? undefined)
}

function taken(to: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      to.off('drain', done)
      to.off('close', done)
      resolve()
    }
    to.on('drain', done)
    to.on('close', done)
  })
}
