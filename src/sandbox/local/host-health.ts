import { access, constants } from 'node:fs/promises'
import type { Clock } from '../../core/clock.ts'
import type { SandboxDriver } from '../contract.ts'
import type { HostCheck, HostReport } from '../host-report.ts'
import { limitsCheck, roomCheck, sandboxCheck } from './probe-host.ts'
import type { LocalSettings } from './settings.ts'

/** How long it is believed that sandboxes can be made, once one was. */
const BELIEVED_MS = 30_000

/** Time in which a sandbox must have been made. */
const TRIAL_MS = 10_000

/** Whether this host still can do what it could when the driver was opened; asked often, so a trial is believed for a while. */
export function hostHealth(
  { driver, settings }: { readonly driver: SandboxDriver; readonly settings: LocalSettings },
  clock: Pick<Clock, 'monotonic'>,
): () => Promise<HostReport> {
  const limits = limitsCheck()
  let provedAt = -Infinity
  let trial: Promise<HostCheck> | null = null

  async function trySandbox(): Promise<HostCheck> {
    const check = await sandboxCheck(driver, 'memory', settings, AbortSignal.timeout(TRIAL_MS))
    if (check.ok) provedAt = clock.monotonic()
    return check
  }

  return async () => {
    const checks: HostCheck[] = [await stateCheck(settings), limits]
    if (checks.every(({ ok }) => ok)) checks.push(await roomCheck(settings))
    // Where these fail a trial says nothing new, and what failed is never believed for longer than it lasts.
    if (checks.every(({ ok }) => ok) && clock.monotonic() - provedAt > BELIEVED_MS) {
      trial ??= trySandbox().finally(() => (trial = null))
      checks.push(await trial)
    }
    return { checks, able: checks.every(({ ok }) => ok) }
  }
}

async function stateCheck({ stateDir }: LocalSettings): Promise<HostCheck> {
  const name = 'state directory'
  try {
    await access(stateDir, constants.R_OK | constants.W_OK | constants.X_OK)
    return { name, ok: true, detail: 'it can be written', fix: '' }
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    return { name, ok: false, detail: `it cannot be written (${code})`, fix: `look at ${stateDir}` }
  }
}
