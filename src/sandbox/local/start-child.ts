import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { AppError } from '../../core/errors.ts'

/**
 * Starts a process of the host. Throws `over_capacity` where the host has no process or descriptor left, and
 * `input_invalid` where the arguments are too long; nothing is left to fail later without a listener.
 */
export function startChild([program = '', ...argv]: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawnOrRefuse(program, argv, options)
  // Node tells of a failed start once more, later: unheard, that would end the whole service.
  child.on('error', () => {})
  if (child.pid === undefined)
    throw new AppError('over_capacity', `Cannot start ${program}: the host refuses another process`)
  return child
}

function spawnOrRefuse(program: string, argv: readonly string[], options: SpawnOptions): ChildProcess {
  try {
    return spawn(program, argv, options)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'E2BIG')
      throw new AppError('input_invalid', 'Cannot start a command: its arguments are too long', { cause })
    if (code === 'EAGAIN' || code === 'ENOMEM')
      throw new AppError('over_capacity', `Cannot start ${program}: the host refuses another process`, { cause })
    throw cause
  }
}
