import { spawn } from 'node:child_process'
import type { Writable } from 'node:stream'
import { asCanceled } from '../../core/deadline.ts'
import { AppError } from '../../core/errors.ts'
import { printable } from './printable.ts'

/** A conversation over pipes with one of the programs with which git serves a repository. */
export interface GitProgram {
  readonly input: Writable
  readonly output: AsyncIterable<Uint8Array>
  /** Waits until the program has ended by itself, or was ended by the signal. */
  finished(): Promise<void>
  /** Ends the program where it has not said everything, and waits until it is gone; safe to call twice. */
  end(): Promise<void>
  /** Why the program ended by itself, if that is known to be its fault. */
  failure(): Promise<AppError | null>
}

interface GitProgramOptions {
  readonly env: Readonly<Record<string, string>>
  /** Time to end by itself for a program whose input broke off; a killed one may leave files behind. */
  readonly settleMs: number
  readonly signal: AbortSignal
}

/** From asking a program to end to making it. */
const graceMs = 5000

/** Starts a program on the caller's own repository; with `signal` it is ended. */
export function startGitProgram(
  name: 'upload-pack' | 'receive-pack',
  path: string,
  { env, settleMs, signal }: GitProgramOptions,
): GitProgram {
  if (signal.aborted) throw asCanceled(signal.reason)
  const child = spawn('git', [name, '--', path], { env, stdio: 'pipe', detached: true })
  const stderr: Buffer[] = []
  let stderrBytes = 0
  child.stderr.on('data', (chunk: Buffer) => {
    stderrBytes += chunk.length
    if (stderrBytes <= 65_536) stderr.push(chunk)
  })
  // A program that ended early is judged by what it said, not by the pipe it left behind.
  child.stdin.on('error', () => {})
  let isOutputEnded = false
  let isStopping = false
  let next: NodeJS.Timeout | undefined
  const closed = new Promise<Error | null>((resolve) => {
    child.once('error', resolve)
    child.once('close', () => resolve(null))
  })

  /** Its own process group: what it started, packers and hooks, goes too. */
  function killGroup(signalName: 'SIGTERM' | 'SIGKILL'): void {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signalName)
    } catch (error) {
      // All of it has ended by itself.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }

  function stop(): void {
    if (isStopping) return
    isStopping = true
    const waitsForInput = !child.stdin.writableEnded
    child.stdin.destroy()
    if (waitsForInput && settleMs > 0) next = setTimeout(terminate, settleMs)
    else terminate()
  }

  function terminate(): void {
    child.stdout.destroy()
    child.stderr.destroy()
    // Later its id may be somebody else's.
    if (child.exitCode !== null || child.signalCode !== null) return
    child.once('exit', () => killGroup('SIGKILL'))
    next = setTimeout(killGroup, graceMs, 'SIGKILL')
    killGroup('SIGTERM')
  }
  signal.addEventListener('abort', stop, { once: true })

  async function* output(): AsyncGenerator<Uint8Array, void, void> {
    try {
      for await (const chunk of child.stdout) yield chunk
      isOutputEnded = true
    } catch (error) {
      // Destroyed by the abort, the pipe itself has nothing to tell.
      throw signal.aborted ? asCanceled(signal.reason) : error
    }
    if (signal.aborted) throw asCanceled(signal.reason)
  }

  return {
    input: child.stdin,
    output: output(),
    finished: async () => void (await closed),
    async end() {
      if (!isOutputEnded) stop()
      await closed
      clearTimeout(next)
      signal.removeEventListener('abort', stop)
    },
    async failure() {
      if (!isOutputEnded) return null
      const error = await closed
      if (signal.aborted) return asCanceled(signal.reason)
      if (error !== null)
        return new AppError('host_unable', 'Cannot use the repository: git is not installed', { cause: error })
      const action = name === 'upload-pack' ? 'read' : 'push to'
      return failureOf(Buffer.concat(stderr).toString('utf8'), { name, action, path })
    },
  }
}

function failureOf(
  stderr: string,
  { name, action, path }: { readonly name: string; readonly action: string; readonly path: string },
): AppError | null {
  if (stderr === '') return null
  const details = { path, stderr: printable(stderr) }
  if (/dubious ownership/.test(stderr)) {
    return new AppError('access_denied', `Cannot ${action} ${path}: the repository belongs to another user`, {
      details,
    })
  }
  if (/does not appear to be a git repository|invalid gitfile format|not a git repository/.test(stderr)) {
    return new AppError('repo_not_found', `Cannot ${action} ${path}: there is no git repository`, { details })
  }
  if (/not our ref/.test(stderr)) {
    return new AppError('commit_not_found', `Cannot ${action} ${path}: the commit is not there`, { details })
  }
  return new AppError('git_failed', `Cannot ${action} ${path}: git ${name} failed`, { details })
}
