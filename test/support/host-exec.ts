import { spawn } from 'node:child_process'
import { AppError } from '../../src/core/errors.ts'
import type { Command, Exec, Exit } from '../../src/core/exec.ts'

/** An Exec on the host: a directory `/workspace` of commands stands for `dir`. For tests only, there is no isolation. */
export function hostExec(dir: string, options: { readonly onCommand?: (command: Command) => void } = {}): Exec {
  return (command) => {
    options.onCommand?.(command)
    const [file = '', ...args] = command.argv
    const cwd =
      command.cwd === '/workspace' || command.cwd.startsWith('/workspace/') ? dir + command.cwd.slice(10) : command.cwd
    const child = spawn(file, args, { cwd, env: command.env, stdio: 'pipe', detached: true })
    let failure: unknown
    const end = (reason?: unknown) => {
      failure ??= reason
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL')
    }
    const canceled = () => end(new AppError('canceled', 'Cannot finish the command: canceled'))
    const deadline = setTimeout(
      () => end(new AppError('deadline_exceeded', 'Cannot finish the command: deadline')),
      command.deadlineMs,
    )
    if (command.signal.aborted) canceled()
    command.signal.addEventListener('abort', canceled)
    const exit = new Promise<Exit>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, signal) => {
        clearTimeout(deadline)
        command.signal.removeEventListener('abort', canceled)
        if (failure !== undefined) reject(failure)
        else resolve({ code: code ?? 137, signal })
      })
    })
    // Whoever awaits `exit` late still gets the rejection.
    exit.catch(() => {})
    // A program that ends before it read its input is judged by its exit code alone.
    child.stdin.on('error', () => {})
    void feed(child.stdin, command.stdin).catch(end)
    return {
      stdout: bounded(child.stdout, command.maxOutputBytes, end),
      stderr: bounded(child.stderr, Infinity, end),
      exit,
      signal: (name) => {
        if (child.pid !== undefined) signalGroup(child.pid, name)
      },
    }
  }
}

async function feed(stream: NodeJS.WritableStream, input: AsyncIterable<Uint8Array> | undefined): Promise<void> {
  for await (const chunk of input ?? []) {
    if (!stream.writable) return
    if (!stream.write(chunk)) await new Promise((resolve) => stream.once('drain', resolve).once('close', resolve))
  }
  stream.end()
}

async function* bounded(stream: AsyncIterable<Uint8Array>, limit: number, end: (reason: unknown) => void) {
  let bytes = 0
  for await (const chunk of stream) {
    bytes += chunk.length
    if (bytes > limit) {
      const error = new AppError('output_limit', `Cannot finish the command: more than ${limit} bytes of output`)
      end(error)
      throw error
    }
    yield chunk
  }
}

function signalGroup(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name)
  } catch {
    // The group is gone already.
  }
}
