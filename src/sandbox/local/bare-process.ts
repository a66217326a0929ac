import type { ChildProcess } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { AppError } from '../../core/errors.ts'
import type { Command, Exit } from '../../core/exec.ts'
import type { BareProcess } from '../supervised.ts'
import { bubblewrapArguments, checkCommand, enterArgv, type CommandPlace } from './command-plan.ts'
import { startChild } from './start-child.ts'
import { childrenOf } from '../../core/process-identity.ts'

export interface Identity {
  readonly uid: number
  readonly gid: number
}

/**
 * Starts a command in a sandbox. `becomes` is the user to start as, `null` to start as who we are; `mark` goes into the
 * environment of what starts the command, never into the command's own.
 */
export function startProcess(
  place: CommandPlace,
  command: Command,
  becomes: Identity | null,
  mark: Readonly<Record<string, string>>,
): BareProcess {
  checkCommand(command)
  const child = startChild(enterArgv(place, command.argv), {
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', ...mark },
    stdio: [command.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', 'pipe'],
    // A group of its own: what a terminal sends to ours is for us to hand on, and a start under way can be killed whole.
    detached: true,
    ...becomes,
  })
  const pipes = child.stdio as unknown as [Writable | null, Readable, Readable, Writable]
  pipes[3].on('error', ignoreClosedPipe)
  pipes[3].end(bubblewrapArguments(place, command))
  const fed = pipes[0] === null || command.stdin === undefined ? null : feed(pipes[0], command.stdin)
  // A source that breaks must not look like the end of the input: half of it would be taken for the whole.
  fed?.catch(() => killTree(child))
  return {
    stdout: pipes[1],
    stderr: pipes[2],
    ended: ended(child, fed),
    signal: (name) => signalProgram(child, name),
    kill: () => killTree(child),
  }
}

/** Bubblewrap's exit code is the program's, or 128 + n where signal n ended it. */
async function ended(child: ChildProcess, fed: Promise<void> | null): Promise<Exit> {
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new AppError('sandbox_failed', 'Cannot start a command: no process', { cause })),
    )
    child.once('close', (exitCode) => resolve(exitCode ?? 137))
  })
  await fed
  return { code, signal: signalName(code) }
}

function signalName(code: number): string | null {
  const names: Readonly<Record<number, string>> = {
    1: 'SIGHUP',
    2: 'SIGINT',
    3: 'SIGQUIT',
    4: 'SIGILL',
    6: 'SIGABRT',
    7: 'SIGBUS',
    8: 'SIGFPE',
    9: 'SIGKILL',
    11: 'SIGSEGV',
    13: 'SIGPIPE',
    14: 'SIGALRM',
    15: 'SIGTERM',
    24: 'SIGXCPU',
    25: 'SIGXFSZ',
    31: 'SIGSYS',
  }
  return names[code - 128] ?? null
}

/**
 * Kills the sandbox side first: the namespace's init takes every process with it, and the outer process ends only
 * once all of them are gone. The other way round the inner ones would die some time later.
 */
function killTree(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null) return
  const inner = childrenOf(child.pid)
  if (inner.length === 0) kill(-child.pid, 'SIGKILL')
  for (const pid of inner) kill(pid, 'SIGKILL')
}

/** The namespace's init leads the session of the program; no signal of its own kind can end it. */
function signalProgram(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null) return
  for (const init of childrenOf(child.pid)) kill(-init, name)
}

function kill(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Feeds a program's stdin; a program that stops reading is not an error. */
async function feed(stdin: Writable, source: AsyncIterable<Uint8Array>): Promise<void> {
  stdin.on('error', ignoreClosedPipe)
  const closed = new Promise<null>((resolve) => stdin.once('close', () => resolve(null)))
  const chunks = source[Symbol.asyncIterator]()
  try {
    while (!stdin.destroyed) {
      const next = chunks.next()
      // A source may be silent for ever: a program that is gone does not wait for it, nor hear how it ends.
      next.catch(() => {})
      const chunk = await Promise.race([next, closed])
      if (chunk?.done === true) return void stdin.end()
      if (chunk !== null && !stdin.write(chunk.value)) await writable(stdin)
    }
    void chunks.return?.().catch(() => {})
  } catch (error) {
    stdin.destroy()
    throw error
  }
}

function writable(stdin: Writable): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      stdin.off('drain', go).off('close', go)
      resolve()
    }
    stdin.on('drain', go).on('close', go)
  })
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') throw error
}
