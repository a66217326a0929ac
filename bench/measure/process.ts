import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Everything git sees in a benchmark: nothing of the machine's own configuration. */
export const gitEnvironment: Readonly<Record<string, string>> = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
}

export interface ProcessOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  readonly okExitCodes?: readonly number[]
}

/** Runs a program to its end and gives the milliseconds from before its start to its exit; throws where it fails. */
export async function timeProcess(argv: readonly string[], options: ProcessOptions = {}): Promise<number> {
  const { cwd = '/', env = gitEnvironment, signal, okExitCodes = [0] } = options
  const [file = '', ...rest] = argv
  const startedAt = process.hrtime.bigint()
  const child = spawn(file, rest, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'], ...(signal ? { signal } : {}) })
  let ms = 0
  child.on('exit', () => {
    ms = Number(process.hrtime.bigint() - startedAt) / 1e6
  })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    complaint = (complaint + chunk).slice(-2000)
  })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code === null || !okExitCodes.includes(code)) {
    throw new Error(`Cannot measure "${argv.join(' ')}": it ended with ${code}: ${complaint}`)
  }
  return ms
}

/** Runs git for what is prepared, not measured. */
export async function runGit(args: readonly string[], options: ProcessOptions = {}): Promise<void> {
  await timeProcess(['git', ...args], options)
}
