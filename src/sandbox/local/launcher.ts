import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { Identity } from './identity.ts'
import { launcherAt, type Launcher } from './launcher-conversation.ts'
import { startChild } from './start-child.ts'

export interface LauncherSettings {
  /** Where everything it starts begins; paths of a mount plan are relative to it. */
  readonly directory: string
  /** The sandboxes' user, `null` where that is who we are. */
  readonly becomes: Identity | null
  /** Numbers of this machine's system calls, by name. */
  readonly numbers: Readonly<Record<string, number>>
}

const program = ['holder.pl', 'stillness.pl', 'launcher.pl']
  .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8'))
  .join('\n')

/** A launcher as the sandboxes' user; its process starts with the first order, and anew should it have ended. */
export function launcher(settings: LauncherSettings): Launcher {
  let current: { readonly process: ChildProcess; readonly launcher: Launcher } | null = null

  function begin(): NonNullable<typeof current> {
    const numbers = Object.entries(settings.numbers).map(([name, number]) => `${name}=${number}`)
    const process = startChild(['/usr/bin/perl', '-e', program, ...numbers], {
      cwd: settings.directory,
      env: { PATH: '/usr/bin:/bin' },
      stdio: ['pipe', 'pipe', 'inherit'],
      // What a terminal sends to our group is not for it: it ends when we say so, or with us.
      detached: true,
      ...settings.becomes,
    })
    const [stdin, stdout] = process.stdio as unknown as [Socket, Socket]
    const ended = new Promise<void>((resolve) => process.once('close', () => resolve())).then(() => {
      if (current?.process === process) current = null
    })
    return { process, launcher: launcherAt({ pid: process.pid ?? 0, stdin, stdout, ended, keepAlive: process }) }
  }

  return {
    start: (order) => (current ??= begin()).launcher.start(order),
    async close() {
      await current?.launcher.close()
    },
  }
}
