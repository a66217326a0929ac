import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Lends a program of ours in a process of its own, once it has said its first line; it ends with its stdin. */
export async function withBeside<Result>(
  program: URL,
  args: readonly string[],
  work: (line: string) => Promise<Result>,
): Promise<Result> {
  const child = spawn(process.execPath, [fileURLToPath(program), ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  try {
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
    return await work(line.trim())
  } finally {
    child.stdin.end()
    await ended
  }
}
