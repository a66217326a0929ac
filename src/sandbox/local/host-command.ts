import { text } from 'node:stream/consumers'
import type { Launch, Launcher } from './launcher-conversation.ts'
import { startChild } from './start-child.ts'

/** How a program of the host ended, and what it printed. */
export interface HostCommandEnd {
  readonly code: number | null
  readonly stdout: string
}

/** Runs a small program of the host. Only programs that follow no links may be given paths a sandbox could have written. */
export type HostTool = (argv: readonly string[]) => Promise<HostCommandEnd>

/** As the sandboxes' user; by the launcher of a sandbox, with its rights over what its programs closed to themselves. */
export function toolOf(launcher: Launcher): HostTool {
  return (argv) => endOf(launcher.start({ kind: 'tool', fields: argv, hasInput: false, prepare: null }))
}

/** With the rights of a sandbox's launcher, but outside of the sandbox's limits: also where its programs used everything up. */
export function visitorOf(visit: (argv: readonly string[]) => Launch): HostTool {
  return (argv) => endOf(visit(argv))
}

async function endOf(launch: Launch): Promise<HostCommandEnd> {
  const { stdout, stderr } = await launch.started
  stderr.resume()
  const [said, { code, signal }] = await Promise.all([text(stdout), launch.ended])
  return { code: signal === 0 ? code : null, stdout: said }
}

/** As who we are: for what belongs to a service that is root. */
export const ownTool: HostTool = (argv) =>
  new Promise((resolve) => {
    let stdout = ''
    const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C' }
    const child = startChild(argv, { stdio: ['ignore', 'pipe', 'ignore'], env })
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
    child.once('close', (code) => resolve({ code, stdout }))
  })
