import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { totalmem } from 'node:os'
import { finish, type Command, type Finished } from '../../src/core/exec.ts'
import type { Sandbox, SandboxDriver, SandboxSpec, Template } from '../../src/sandbox/contract.ts'
import { localDriver } from '../../src/sandbox/local/driver.ts'
import type { Launcher } from '../../src/sandbox/local/launcher-conversation.ts'
import { launcher } from '../../src/sandbox/local/launcher.ts'
import { localSettings, type LocalSettings } from '../../src/sandbox/local/settings.ts'
import type { StateDir } from '../../src/sandbox/local/state-dir.ts'
import { systemCalls } from '../../src/sandbox/local/system-calls.ts'

const mebibyte = 1024 ** 2

export const bareTemplate: Template = { etc: {}, tools: 'test' }

export const isRoot = process.getuid?.() === 0

/** Who sandboxes of these tests belong to on the host. */
export const sandboxUid = isRoot ? 65_533 : (process.getuid?.() ?? 0)

const folders: string[] = []
process.once('exit', () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

/** A folder that the sandboxes' user can enter, in memory; gone after all tests of the file, and their own clearing up. */
export function enterableFolder(): string {
  const folder = mkdtempSync('/dev/shm/forkyard-test-')
  chmodSync(folder, 0o711)
  folders.push(folder)
  return folder
}

export function settingsFor(stateDir: string, more: Partial<LocalSettings> = {}): LocalSettings {
  // The bound on memory uppers is not to depend on how large the machine is.
  const memoryUppersShare = Math.min(1, (4 * 1024 * mebibyte) / totalmem())
  return { ...localSettings.parse({ stateDir }), memoryUppersShare, ...more }
}

/** A launcher as a driver on that state directory has one; it ends with the tests of the file. */
export function launcherIn({ path, becomes }: StateDir): Launcher {
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64'
  return launcher({ directory: path, becomes, numbers: systemCalls[arch] })
}

export function openDriver(stateDir: string, more: Partial<LocalSettings> = {}): Promise<SandboxDriver> {
  return localDriver(settingsFor(stateDir, more), bareTemplate)
}

/** A spec with limits that no harmless test meets. */
export function specOf({
  limits,
  ...more
}: Partial<Omit<SandboxSpec, 'limits'>> & { limits?: object } = {}): SandboxSpec {
  return {
    image: null,
    upper: 'disk',
    network: 'none',
    metadata: {},
    ...more,
    limits: {
      diskBytes: 64 * mebibyte,
      inodes: 10_000,
      memoryBytes: 256 * mebibyte,
      processes: 64,
      cpus: 2,
      ...limits,
    },
  }
}

export function commandOf(argv: readonly string[], more: Partial<Command> = {}): Command {
  return {
    argv,
    cwd: '/workspace',
    env: { PATH: '/usr/bin:/bin' },
    signal: new AbortController().signal,
    deadlineMs: 20_000,
    maxOutputBytes: 16 * mebibyte,
    ...more,
  }
}

/** Runs a command and waits for its end. */
export function run(sandbox: Sandbox, argv: readonly string[], more: Partial<Command> = {}): Promise<Finished> {
  return finish(sandbox.exec(commandOf(argv, more)))
}

/** What a shell script prints; it must end well. */
export async function shell(sandbox: Sandbox, script: string, more: Partial<Command> = {}): Promise<string> {
  const { code, stdout, stderr } = await run(sandbox, ['sh', '-c', script], more)
  if (code !== 0) throw new Error(`Exit code ${code}: ${stderr.toString()}`)
  return stdout.toString()
}
