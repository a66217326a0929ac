import { constants } from 'node:os'
import { AppError } from '../core/errors.ts'

/** Ctrl-C and its kin as an AbortSignal; a second one ends the process as if nobody listened. */
export interface Interrupt {
  readonly signal: AbortSignal
  /** 130 for SIGINT, 128 + n for the others. */
  exitCode(): number
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export function interruptOf(process: Pick<NodeJS.Process, 'once' | 'removeAllListeners'>): Interrupt {
  const controller = new AbortController()
  let exitCode = 128 + constants.signals.SIGINT
  for (const name of signals) {
    process.once(name, () => {
      exitCode = 128 + constants.signals[name]
      for (const other of signals) process.removeAllListeners(other)
      controller.abort(new AppError('canceled', 'Cannot finish: interrupted'))
    })
  }
  return { signal: controller.signal, exitCode: () => exitCode }
}
