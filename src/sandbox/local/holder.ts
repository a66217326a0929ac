import { readFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { holderFailure } from './host-programs.ts'
import { encodePlan, type HolderStep } from './mount-plan.ts'
import { MARK } from './reaper.ts'
import { startChild } from './start-child.ts'
import type { StateDir } from './state-dir.ts'

/** The process whose namespaces are a sandbox. */
export interface Holder {
  readonly pid: number
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<void>
  isAlive(): boolean
  end(): void
}

const program = readFileSync(new URL('holder.pl', import.meta.url), 'utf8')

/** Starts a holder and waits until its plan is carried out. Throws `sandbox_failed` with what it said. */
export async function startHolder(state: StateDir, id: string, steps: readonly HolderStep[]): Promise<Holder> {
  const child = startChild(['/usr/bin/perl', '-e', program], {
    cwd: state.path,
    env: { PATH: '/usr/bin:/bin', [MARK]: id },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    // What a terminal sends to our group is not for it: it ends when we say so, or with us.
    detached: true,
    ...state.becomes,
  })
  const [stdin, stdout, stderr, plan] = child.stdio as unknown as [Writable, Readable, Readable, Writable]
  let said = ''
  let isAlive = true
  stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(0, 2000)))
  for (const pipe of [stdin, plan])
    pipe.on('error', () => {
      // The holder died first; `ended` says so.
    })
  plan.end(encodePlan(steps))
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve())).then(() => {
    isAlive = false
  })
  const isReady = await Promise.race([
    new Promise<boolean>((resolve) => stdout.once('data', () => resolve(true))),
    ended.then(() => false),
  ])
  if (!isReady || child.pid === undefined) {
    throw holderFailure(said)
  }
  return { pid: child.pid, ended, isAlive: () => isAlive, end: () => child.kill('SIGKILL') }
}
