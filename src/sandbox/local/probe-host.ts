import { totalmem } from 'node:os'
import { statfs } from 'node:fs/promises'
import { AppError } from '../../core/errors.ts'
import { finishOk } from '../../core/exec.ts'
import type { SandboxDriver, Template, Upper } from '../contract.ts'
import type { HostCheck, HostReport } from '../host-report.ts'
import { findCgroups } from './cgroup.ts'
import { RESERVED_BYTES } from './disk-watch.ts'
import { localDriver } from './driver.ts'
import { hasMemoryUppers, hostPrograms } from './host-programs.ts'
import type { LocalSettings } from './settings.ts'

const bareTemplate: Template = { etc: {}, tools: 'probe' }

/** Tries everything sandboxes need on this host, for real, and says what is missing and what to do. */
export async function probeLocalHost(
  settings: LocalSettings,
  { signal }: { signal: AbortSignal },
): Promise<HostReport> {
  const checks: HostCheck[] = [...programChecks()]
  if (checks.every(({ ok }) => ok)) checks.push(...(await sandboxChecks(settings, signal)))
  const able = checks.every(({ ok }) => ok)
  return { checks: [...checks, ...(able ? [await roomCheck(settings)] : []), limitsCheck()], able }
}

function programChecks(): readonly HostCheck[] {
  return hostPrograms().map(({ name, package: wanted, isThere }) => ({
    name,
    ok: isThere,
    detail: isThere ? `${name} is installed` : `${name} is missing`,
    fix: isThere ? '' : `apt-get install ${wanted}`,
  }))
}

async function sandboxChecks(settings: LocalSettings, signal: AbortSignal): Promise<readonly HostCheck[]> {
  let driver: SandboxDriver
  try {
    driver = await localDriver(settings, bareTemplate)
  } catch (error) {
    return [failed('state directory', error)]
  }
  try {
    const uppers: readonly Upper[] = hasMemoryUppers() ? ['disk', 'memory'] : ['disk']
    const checks = [fine('state directory', `${settings.stateDir} can be used`)]
    for (const upper of uppers) checks.push(await sandboxCheck(driver, upper, settings, signal))
    if (!hasMemoryUppers())
      checks.push(
        fine('sandbox in memory', 'not on this kernel (6.6 or later can): all sandboxes use the disk, a little slower'),
      )
    return checks
  } finally {
    await driver.close()
  }
}

/** Makes a sandbox and runs a program in it, with all that hardens it. */
export async function sandboxCheck(
  driver: SandboxDriver,
  upper: Upper,
  settings: LocalSettings,
  signal: AbortSignal,
): Promise<HostCheck> {
  const name = `sandbox on ${upper}`
  const startedAt = performance.now()
  try {
    const limits = { ...settings, diskBytes: 1024 * 1024, inodes: 1000 }
    const sandbox = await driver.create(
      { image: null, upper, network: 'none', limits, metadata: { role: 'probe' } },
      { signal },
    )
    const madeMs = performance.now() - startedAt
    try {
      const command = {
        argv: ['touch', 'made'],
        cwd: '/workspace',
        env: { PATH: '/usr/bin:/bin' },
        signal,
        deadlineMs: 10_000,
        maxOutputBytes: 4096,
      }
      await finishOk(sandbox.exec(command), 'write in a sandbox')
    } finally {
      await sandbox.destroy()
    }
    return fine(name, `namespaces, overlayfs and the system call filter work; made in ${madeMs.toFixed(0)} ms`)
  } catch (error) {
    return failed(name, error)
  }
}

/** Whether the disk has room for what sandboxes write and images take. */
export async function roomCheck({ stateDir, memoryUppersShare }: LocalSettings): Promise<HostCheck> {
  const { bavail, bsize } = await statfs(stateDir)
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`
  const ok = bavail * bsize > RESERVED_BYTES
  const detail = `${gigabytes(bavail * bsize)} free for images, ${gigabytes(totalmem() * memoryUppersShare)} of memory for forks`
  return { name: 'room', ok, detail, fix: ok ? '' : `free some space on the file system of ${stateDir}` }
}

/** Missing control groups do not keep sandboxes from running, but everybody must know. */
export function limitsCheck(): HostCheck {
  const cgroups = findCgroups()
  if (cgroups !== null)
    return fine(
      'limits',
      `memory, processes and cpu are limited by control groups v${cgroups.version}; disk, files, output and time always`,
    )
  return {
    name: 'limits',
    ok: true,
    detail:
      'no limit on memory, processes and cpu: no control group can be written here; disk, files, output and time are limited',
    fix: 'run as root, or under systemd with Delegate=memory pids cpu',
  }
}

function fine(name: string, detail: string): HostCheck {
  return { name, ok: true, detail, fix: '' }
}

function failed(name: string, error: unknown): HostCheck {
  if (!(error instanceof AppError)) throw error
  const said = error.details['stderr']
  return {
    name,
    ok: false,
    detail: `${error.message}${typeof said === 'string' && said !== '' ? ` (${said})` : ''}`,
    fix: fixFor(error),
  }
}

function fixFor({ message }: AppError): string {
  if (message.includes('namespaces'))
    return 'sysctl kernel.unprivileged_userns_clone=1 (Debian), kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu)'
  if (message.includes('overlayfs')) return 'set FORKYARD_STATE_DIR to a directory on ext4, xfs, btrfs or tmpfs'
  if (message.includes('reach')) return 'set FORKYARD_STATE_DIR to a directory whose parents everybody may enter'
  return 'see docs/limits.md'
}
