/** One of git's counters, such as "Receiving objects: 40 of 100". */
export interface Progress {
  readonly phase: string
  readonly done: number
  /** `null` where git does not know the total. */
  readonly total: number | null
}

/** Understands git's progress lines, which come in pieces and end in CR or LF; a server's own words never pass. */
export function progressReader(onProgress: (progress: Progress) => void): (text: string) => void {
  let rest = ''
  return (text) => {
    const lines = (rest + text).split(/[\r\n]/)
    rest = (lines.pop() ?? '').slice(-200)
    for (const line of lines) {
      const progress = parseProgress(line)
      if (progress !== null) onProgress(progress)
    }
  }
}

function parseProgress(line: string): Progress | null {
  const match = /^(?:remote: )?([A-Z][a-z]+(?: [a-z]+)*):\s+(?:\d+% \((\d+)\/(\d+)\)|(\d+))/.exec(line)
  if (match === null) return null
  const [, phase = '', done, total, count] = match
  return { phase, done: Number(done ?? count), total: total === undefined ? null : Number(total) }
}
