import type { Identity } from './bare-process.ts'
import { startChild } from './start-child.ts'

/** How a program of the host ended, and what it printed. */
export interface HostCommandEnd {
  readonly code: number | null
  readonly stdout: string
}

/**
 * Runs a small program of the host, with an environment of its own. Only programs that follow no links may be given
 * paths a sandbox could have written; `becomes` makes them run as the sandboxes' user.
 */
export function runHostCommand(argv: readonly string[], becomes: Identity | null): Promise<HostCommandEnd> {
  return new Promise((resolve) => {
    let stdout = ''
    const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C' }
    const child = startChild(argv, { stdio: ['ignore', 'pipe', 'ignore'], env, ...becomes })
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.once('close', (code) => resolve({ code, stdout }))
  })
}
