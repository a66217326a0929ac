/** One stream out of several that share a connection. */
export interface Channel {
  /** To be read once. */
  readonly chunks: AsyncIterable<Uint8Array>
  /** Resolves when there is room for more; what nobody wants any more is dropped. */
  write(chunk: Uint8Array): Promise<void>
  end(): void
  /** What was written before is still read; then the reader gets the error. */
  fail(error: unknown): void
}

/** A channel that holds at most about `maxBytes` that were not read yet. */
export function channel(maxBytes: number): Channel {
  const waiting: Uint8Array[] = []
  let bytes = 0
  let isLeft = false
  let ending: { readonly failure: { readonly error: unknown } | null } | null = null
  let changed = Promise.withResolvers<void>()

  function change(): void {
    changed.resolve()
    changed = Promise.withResolvers()
  }

  function finish(failure: { readonly error: unknown } | null): void {
    ending ??= { failure }
    change()
  }

  const isFull = (): boolean => bytes > maxBytes && !isLeft && ending === null

  async function* read(): AsyncGenerator<Uint8Array, void> {
    try {
      for (;;) {
        const chunk = waiting.shift()
        if (chunk !== undefined) {
          bytes -= chunk.length
          change()
          yield chunk
        } else if (ending === null) await changed.promise
        else if (ending.failure === null) return
        else throw ending.failure.error
      }
    } finally {
      isLeft = true
      waiting.length = 0
      change()
    }
  }

  return {
    chunks: read(),
    async write(chunk) {
      if (isLeft) return
      waiting.push(chunk)
      bytes += chunk.length
      change()
      while (isFull()) await changed.promise
    },
    end: () => finish(null),
    fail: (error) => finish({ error }),
  }
}
