import { spawn } from 'node:child_process'
import { AppError } from '../../core/errors.ts'
import { printable } from './printable.ts'

/** A conversation with `git upload-pack` over its pipes. */
export interface UploadPack {
  readonly output: AsyncIterable<Uint8Array>
  send(request: Uint8Array): void
  /** Ends the program and waits until it is gone; safe to call twice. */
  end(): Promise<void>
  /** Why the program ended by itself, if that is known to be its fault. */
  failure(): Promise<AppError | null>
}

/** Nothing but what git needs to read a repository without running or fetching anything on its behalf. */
const environment = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
  GIT_PROTOCOL: 'version=2',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: '/bin/false',
  GIT_SSH_COMMAND: '/bin/false',
  GIT_ALLOW_PROTOCOL: 'none',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_NO_LAZY_FETCH: '1',
  GIT_OPTIONAL_LOCKS: '0',
  ...configuration({
    'uploadpack.allowFilter': 'true',
    'uploadpack.allowAnySHA1InWant': 'true',
    'core.fsmonitor': 'false',
    'core.hooksPath': '/dev/null',
    'core.alternateRefsCommand': 'exit 0 #',
    'pack.windowMemory': '100m',
    'gc.auto': '0',
  }),
}

/** Starts `git upload-pack` on the caller's own repository; it ends with `signal` at the latest. */
export function startUploadPack(path: string, { signal }: { readonly signal: AbortSignal }): UploadPack {
  if (signal.aborted) throw canceled(signal.reason)
  const child = spawn('git', ['upload-pack', '--', path], { env: environment, stdio: 'pipe', detached: true })
  const stderr: Buffer[] = []
  let stderrBytes = 0
  child.stderr.on('data', (chunk: Buffer) => {
    stderrBytes += chunk.length
    if (stderrBytes <= 65_536) stderr.push(chunk)
  })
  // A program that ended early is judged by what it said, not by the pipe it left behind.
  child.stdin.on('error', () => {})
  let isOutputEnded = false
  const closed = new Promise<Error | null>((resolve) => {
    child.once('error', resolve)
    child.once('close', () => resolve(null))
  })

  function kill(): void {
    child.stdin.destroy()
    child.stdout.destroy()
    child.stderr.destroy()
    // Its own process group: pack-objects below it goes too.
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch (error) {
      // It ended by itself just now.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }
  signal.addEventListener('abort', kill, { once: true })

  async function* output(): AsyncGenerator<Uint8Array, void, void> {
    try {
      for await (const chunk of child.stdout) yield chunk
      isOutputEnded = true
    } catch (error) {
      // Destroyed by the abort, the pipe itself has nothing to tell.
      throw signal.aborted ? canceled(signal.reason) : error
    }
    if (signal.aborted) throw canceled(signal.reason)
  }

  return {
    output: output(),
    send: (request) => void child.stdin.write(request),
    async end() {
      signal.removeEventListener('abort', kill)
      kill()
      await closed
    },
    async failure() {
      if (!isOutputEnded) return null
      const error = await closed
      if (signal.aborted) return canceled(signal.reason)
      if (error !== null)
        return new AppError('host_unable', 'Cannot read the repository: git is not installed', { cause: error })
      return failureOf(Buffer.concat(stderr).toString('utf8'), path)
    },
  }
}

function failureOf(stderr: string, path: string): AppError | null {
  if (stderr === '') return null
  const details = { path, stderr: printable(stderr) }
  if (/dubious ownership/.test(stderr)) {
    return new AppError('access_denied', `Cannot read ${path}: the repository belongs to another user`, { details })
  }
  if (/does not appear to be a git repository|invalid gitfile format|not a git repository/.test(stderr)) {
    return new AppError('repo_not_found', `Cannot read ${path}: there is no git repository`, { details })
  }
  if (/not our ref/.test(stderr)) {
    return new AppError('commit_not_found', `Cannot read ${path}: the commit is not there`, { details })
  }
  return new AppError('git_failed', `Cannot read ${path}: git upload-pack failed`, { details })
}

function canceled(reason: unknown): AppError {
  if (reason instanceof AppError) return reason
  return new AppError('canceled', 'Cannot finish: the caller gave up', { cause: reason })
}

function configuration(values: Readonly<Record<string, string>>): Record<string, string> {
  const names = Object.keys(values)
  const pairs = names.flatMap((name, index) => [
    [`GIT_CONFIG_KEY_${index}`, name],
    [`GIT_CONFIG_VALUE_${index}`, values[name]],
  ])
  return { ...Object.fromEntries(pairs), GIT_CONFIG_COUNT: `${names.length}` }
}
