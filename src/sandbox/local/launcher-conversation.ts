import { closeSync, constants, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { constants as osConstants } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { AppError } from '../../core/errors.ts'
import { holdFailure } from './host-programs.ts'
import { messageReader, packMessage } from './launcher-messages.ts'
import { shownTail } from './said.ts'

/** Starts processes for sandboxes from a small process of its own; see launcher.pl. */
export interface Launcher {
  /** Asks for a process; what it is to become is one of launcher.pl's kinds with its fields. */
  start(order: LaunchOrder): Launch
  /** Ends the launcher and everything it started. */
  close(): Promise<void>
}

/** The launcher of one sandbox. */
export interface SandboxLauncher extends Launcher {
  /** Carries out a mount plan: what it starts from now on is in that sandbox. Throws `sandbox_failed` with what went wrong. */
  hold(steps: readonly string[]): Promise<void>
  /** Stops all commands and whatever they started, until they go on. Throws `sandbox_failed` where they cannot be stopped. */
  standStill(): Promise<void>
  /** Throws `sandbox_failed` where something has run since. */
  checkStill(): Promise<void>
  goOn(): void
}

export interface LaunchOrder {
  readonly kind: 'launcher' | 'command' | 'tool' | 'visitor'
  readonly fields: readonly (string | Buffer)[]
  readonly hasInput: boolean
  /** Called with its pid before the process does anything, which ends it where it throws; `null` where it need not wait. */
  readonly prepare: ((pid: number) => Promise<void>) | null
}

/** A process on its way. */
export interface Launch {
  /** Rejects with `over_capacity` where the host refuses another process, with `sandbox_lost` where the launcher is gone. */
  readonly started: Promise<Started>
  /** Settles when the process is gone; rejects like `started` where it never was. */
  readonly ended: Promise<Ended>
  /** `program`: what a command's bubblewrap runs; `tree`: that and bubblewrap; `itself`: the process alone. */
  signal(whom: 'program' | 'tree' | 'itself', signal: number): void
  /** Starts a small program with the mounts and rights of this launcher of a sandbox, but outside of its limits. */
  visit(argv: readonly string[]): Launch
  /** Whether this program stays alive for it, as it does unless told otherwise. */
  keep(isKept: boolean): void
}

export interface Started {
  readonly pid: number
  readonly stdin: Writable | null
  readonly stdout: Readable
  readonly stderr: Readable
}

export interface Ended {
  readonly code: number
  /** Number of the signal that ended it, 0 for none. */
  readonly signal: number
}

/** A running launcher.pl and its two pipes. */
export interface LauncherProcess {
  readonly pid: number
  readonly stdin: Socket
  readonly stdout: Socket
  readonly ended: Promise<void>
  /** What keeps this program alive while something runs; `null` where a launcher above does. */
  readonly keepAlive: { ref(): void; unref(): void } | null
}

interface Pending {
  /** `null` for what is no process, but something that the launcher itself does. */
  readonly order: LaunchOrder | null
  /** Understands why it failed. */
  readonly failure: (said: string) => AppError
  readonly started: PromiseWithResolvers<Started>
  readonly ended: PromiseWithResolvers<Ended>
}

/** What a visitor may use: names and links of a hostile sandbox fill its memory. */
const VISITOR_MEMORY_BYTES = 512 * 1024 * 1024

/** Speaks with a launcher.pl that runs. */
export function launcherAt({ pid: launcherPid, stdin, stdout, ended, keepAlive }: LauncherProcess): SandboxLauncher {
  const pending = new Map<string, Pending>()
  const kept = new Set<string>()
  stdin.unref().on('error', () => {
    // It is gone; `ended` tells.
  })
  stdout.unref().on('data', messageReader(receive))
  keepAlive?.unref()
  let isGone = false
  let count = 0
  void ended.then(() => {
    isGone = true
    stdin.destroy()
    for (const name of pending.keys()) lose(name, gone())
  })

  function send(...fields: readonly (string | Buffer)[]): void {
    if (!stdin.destroyed) stdin.write(packMessage(fields))
  }

  function receive([what, name = '', ...fields]: readonly string[]): void {
    const launch = pending.get(name)
    if (launch === undefined) return
    const { order } = launch
    if (what === 'started' && order !== null) void open(name, launch, order, fields.map(Number))
    else if (what === 'failed') lose(name, launch.failure(fields[0] ?? ''))
    else {
      const [code = 0, signal = 0] = fields.map(Number)
      forget(name)
      launch.ended.resolve({ code, signal })
    }
  }

  /** Opens the pipes while the launcher still holds them, then lets the process begin. */
  async function open(
    name: string,
    { started }: Pending,
    order: LaunchOrder,
    [pid = 0, ...ends]: readonly number[],
  ): Promise<void> {
    const files: number[] = []
    try {
      for (const [index, end] of ends.entries()) {
        const access = order.hasInput && index === 0 ? constants.O_WRONLY : constants.O_RDONLY
        files.push(openSync(`/proc/${launcherPid}/fd/${end}`, access | constants.O_NONBLOCK))
      }
      await order.prepare?.(pid)
    } catch (cause) {
      for (const file of files) closeSync(file)
      send('signal', name, 'itself', String(osConstants.signals.SIGKILL))
      send('go', name)
      return started.reject(unopened(cause))
    }
    send('go', name)
    const [input, output, errors] = (order.hasInput ? files : [null, ...files]).map((fd, index) =>
      fd === null ? null : new Socket({ fd, readable: index > 0, writable: index === 0 }),
    )
    started.resolve({ pid, stdin: input ?? null, stdout: output as Socket, stderr: errors as Socket })
  }

  function lose(name: string, error: AppError): void {
    const launch = pending.get(name)
    forget(name)
    launch?.started.reject(error)
    launch?.ended.reject(error)
  }

  function forget(name: string): void {
    pending.delete(name)
    keep(name, false)
  }

  function keep(name: string, isKept: boolean): void {
    if (isKept && pending.has(name)) kept.add(name)
    else kept.delete(name)
    if (kept.size > 0) keepAlive?.ref()
    else keepAlive?.unref()
  }

  function expect(
    order: LaunchOrder | null,
    failure: Pending['failure'],
  ): { readonly name: string; readonly launch: Pending } {
    const name = String((count += 1))
    const launch: Pending = { order, failure, started: Promise.withResolvers(), ended: Promise.withResolvers() }
    // Whoever only looks at one of them need not look at the other.
    launch.started.promise.catch(() => {})
    launch.ended.promise.catch(() => {})
    pending.set(name, launch)
    keep(name, true)
    if (isGone) lose(name, gone())
    return { name, launch }
  }

  function start(order: LaunchOrder): Launch {
    const { name, launch } = expect(order, noProcess)
    send('start', name, order.hasInput ? '1' : '0', order.prepare === null ? '0' : '1', order.kind, ...order.fields)
    return {
      started: launch.started.promise,
      ended: launch.ended.promise,
      signal: (whom, signal) => send('signal', name, whom, String(signal)),
      visit(argv) {
        // By this launcher itself: to one that took its place the name would mean another sandbox.
        const fields = [name, String(VISITOR_MEMORY_BYTES), ...argv]
        return start({ kind: 'visitor', fields, hasInput: false, prepare: null })
      },
      keep: (isKept) => keep(name, isKept),
    }
  }

  /** Something that the launcher itself does. */
  async function ask(failure: Pending['failure'], what: string, ...fields: readonly string[]): Promise<void> {
    const { name, launch } = expect(null, failure)
    send(what, name, ...fields)
    await launch.ended.promise
  }

  return {
    start,

    hold: (steps) => ask(holdFailure, 'hold', ...steps),
    standStill: () => ask(goesOn, 'stand_still'),
    checkStill: () => ask(goesOn, 'check_still'),
    goOn: () => send('go_on'),

    async close() {
      keepAlive?.ref()
      stdin.end()
      await ended
    },
  }
}

function gone(): AppError {
  return new AppError('sandbox_lost', 'Cannot go on: the launcher of sandboxes ended')
}

/** Without descriptors there is no launcher any more. */
function unopened(cause: unknown): AppError {
  if (cause instanceof AppError) return cause
  if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return gone()
  return new AppError('over_capacity', 'Cannot start a process: its pipes cannot be opened', { cause })
}

function goesOn(why: string): AppError {
  return new AppError('sandbox_failed', 'Cannot fork a sandbox: its programs do not stand still', {
    details: { stderr: shownTail(why) },
  })
}

function noProcess(why: string): AppError {
  return new AppError('over_capacity', `Cannot start a process: ${why}`)
}
