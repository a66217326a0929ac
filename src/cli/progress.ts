import type { Progress } from '../core/progress.ts'
import { escapeLine } from '../core/escape.ts'
import type { Terminal } from './terminal.ts'

/** One line on a terminal that is rewritten while long work runs. */
export interface ProgressLine {
  show(progress: Progress): void
  /** Takes the line away; what follows starts on a clean one. */
  clear(): void
}

const redrawMs = 50

/** A progress line where people watch, nothing where a pipe or `--json` does. */
export function progressLine(stderr: Terminal['stderr'], options: { isQuiet: boolean }): ProgressLine {
  if (options.isQuiet || stderr.isTTY !== true) return { show() {}, clear() {} }
  let shownAt = -Infinity
  let isShown = false
  return {
    show(progress) {
      const now = performance.now()
      if (now - shownAt < redrawMs && progress.done !== progress.total) return
      shownAt = now
      isShown = true
      stderr.write(`\r\u001b[K${progressText(progress)}`)
    },
    clear() {
      if (isShown) stderr.write('\r\u001b[K')
      isShown = false
    },
  }
}

/** "Receiving objects: 40 % (40/100)", or the bare count where the total is unknown. */
export function progressText({ phase, done, total }: Progress): string {
  const name = escapeLine(phase)
  if (total === null) return `${name}: ${done}`
  const percent = total === 0 ? 100 : Math.floor((done / total) * 100)
  return `${name}: ${percent} % (${done}/${total})`
}
