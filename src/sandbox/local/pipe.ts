import type { Writable } from 'node:stream'

/** Resolves when more may be written, or nothing ever again. */
export function writable(pipe: Writable): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      pipe.off('drain', go).off('close', go)
      resolve()
    }
    pipe.on('drain', go).on('close', go)
  })
}

/** A listener for errors of a pipe: a program that stops reading is not one. */
export function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') throw error
}
