import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import type { Exit } from '../../src/core/exec.ts'
import { childrenOf } from '../../src/core/process-identity.ts'
import { findCgroups } from '../../src/sandbox/local/cgroup.ts'
import type { LocalSandbox } from '../../src/sandbox/local/sandbox.ts'
import { commandOf } from './local-sandboxes.ts'

/** Whether programs are stopped by their control group, which does not show in their state. */
export const isFrozen = findCgroups()?.version === 2

/** Starts a perl program that says "up". */
export async function start(
  sandbox: LocalSandbox,
  program: string,
): Promise<{ readonly exit: Promise<Exit>; readonly said: AsyncIterator<Uint8Array> }> {
  const running = sandbox.exec(commandOf(['perl', '-e', `$| = 1; ${program}`]))
  running.exit.catch(() => {})
  const said = running.stdout[Symbol.asyncIterator]()
  assert.equal(Buffer.from((await said.next()).value as Uint8Array).toString(), 'up\n')
  return { exit: running.exit, said }
}

export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}

/** The threads of all commands of a holder: number, state and for how long each has run. */
export function threadsBelow(holder: number): readonly string[] {
  const found: string[] = []
  for (let level = childrenOf(holder); level.length > 0;) {
    const folders = level.flatMap((pid) => names(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}`))
    for (const folder of folders) {
      const [, thread, state] = /^(\d+) \([^]*\) (\S)/.exec(read(`${folder}/stat`)) ?? []
      const ran = read(`${folder}/schedstat`).trim()
      // What has ended is taken away while it is looked at.
      if (thread !== undefined && ran !== '') found.push(`${thread} ${state} ${ran}`)
    }
    level = folders.flatMap((folder) => read(`${folder}/children`).split(' ').filter(Boolean).map(Number))
  }
  return found.toSorted()
}

function read(path: string): string {
  return orGone(() => readFileSync(path, 'utf8'), '')
}

function names(path: string): readonly string[] {
  return orGone(() => readdirSync(path), [])
}

/** Programs that run come and go while they are looked at. */
function orGone<T>(look: () => T, otherwise: T): T {
  try {
    return look()
  } catch (error) {
    if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    return otherwise
  }
}
