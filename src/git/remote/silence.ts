/** Watches how long the other side of an exchange lets us wait. */
export interface Silence {
  /** The request is out, all of it: from now on an answer is owed. */
  onSent(): void
  /** The other side has no room for more of the request, or has some again. */
  onRoom(isAwaited: boolean): void
  /** More of the answer is waited for, or has come. */
  onAnswer(isAwaited: boolean): void
  end(): void
}

/** Calls `onSilence` once the other side owes us something for `limitMs()`; what we take ourselves does not count. */
export function watchSilence(options: {
  readonly limitMs: () => number
  readonly onSilence: (ms: number) => void
}): Silence {
  const awaited = { room: false, answer: false }
  let isSent = false
  let timer: NodeJS.Timeout | undefined

  function update(): void {
    clearTimeout(timer)
    const ms = options.limitMs()
    // In the middle of a request nobody has to answer: it may be our own source that is slow.
    const isOwed = awaited.room || (awaited.answer && isSent)
    if (isOwed && ms !== Infinity) timer = setTimeout(() => options.onSilence(ms), ms)
  }

  return {
    onSent() {
      isSent = true
      update()
    },
    onRoom(isAwaited) {
      awaited.room = isAwaited
      update()
    },
    onAnswer(isAwaited) {
      awaited.answer = isAwaited
      update()
    },
    end: () => clearTimeout(timer),
  }
}
