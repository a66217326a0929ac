import { AppError } from './errors.ts'

/** One program to run; the environment is exactly what is given, and PWD: nothing is inherited. */
export interface Command {
  readonly argv: readonly string[]
  /** Absolute directory inside the sandbox. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly stdin?: AsyncIterable<Uint8Array>
  readonly signal: AbortSignal
  readonly deadlineMs: number
  /** Bytes of stdout after which the program is ended with `output_limit`; stderr keeps head and tail only. */
  readonly maxOutputBytes: number
}

/** How a program ended by itself; limits, deadlines and cancellation reject instead. */
export interface Exit {
  /** Exit code, 128 + n where a signal ended it. */
  readonly code: number
  readonly signal: string | null
}

/** A program under way. `stdout` and `stderr` must be read; `exit` settles after both ended. */
export interface Running {
  readonly stdout: AsyncIterable<Uint8Array>
  readonly stderr: AsyncIterable<Uint8Array>
  readonly exit: Promise<Exit>
  signal(name: NodeJS.Signals): void
}

/** Runs a command in some place: a sandbox, or in tests the host. */
export type Exec = (command: Command) => Running

/** What a finished command left; stdout whole. */
export interface Finished extends Exit {
  readonly stdout: Buffer
  readonly stderr: Buffer
}

/** Collects a running command's output and waits for its end; of a flood on stderr, head and tail are kept. */
export async function finish(running: Running): Promise<Finished> {
  const parts = [concat(running.stdout), headAndTail(running.stderr), running.exit] as const
  // Streams fail before the program is gone; who learns of it may count on its end.
  await Promise.allSettled(parts)
  const [stdout, stderr, exit] = await Promise.all(parts)
  return { ...exit, stdout, stderr }
}

/** Runs a command and throws `sandbox_failed` unless it exits with 0. */
export async function finishOk(running: Running, action: string): Promise<Finished> {
  const finished = await finish(running)
  if (finished.code !== 0) {
    const stderr = finished.stderr.toString('utf8').slice(-2000)
    throw new AppError('sandbox_failed', `Cannot ${action}: exit code ${finished.code}`, { details: { stderr } })
  }
  return finished
}

/**
 * The output of a command as it comes. It is started by the first reading and ended by who stops before the last byte;
 * after that one `check` sees how it exited, so that what could be read to its end is whole.
 */
export async function* outputOf(
  start: () => Running,
  check: (exit: Exit, stderr: Buffer) => void,
): AsyncGenerator<Uint8Array, void> {
  const running = start()
  const stderr = headAndTail(untilTorn(running.stderr))
  // Both are awaited below; until then a rejection is not unhandled.
  void Promise.allSettled([stderr, running.exit])
  let isWhole = false
  try {
    yield* running.stdout
    isWhole = true
  } finally {
    if (!isWhole) running.signal('SIGKILL')
    // How an ended or failed run exits no longer matters; the failure under way is the one to tell.
    if (!isWhole) await Promise.allSettled([stderr, running.exit])
  }
  check(await running.exit, await stderr)
}

/** What a stream torn down with its process has said; `exit` tells why it was. */
async function* untilTorn(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* source
  } catch (error) {
    if (error instanceof AppError) throw error
  }
}

async function concat(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts)
}

/** How much of the beginning, and at least of the end, of an endless stderr is kept. */
const KEPT_BYTES = 64 * 1024

/** The beginning and the end of a stream, with a line between that says how much is left out. */
export async function headAndTail(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const head: Uint8Array[] = []
  let tail: Uint8Array[] = []
  let headBytes = 0
  let tailBytes = 0
  let leftOut = 0
  for await (const chunk of chunks) {
    if (headBytes < KEPT_BYTES) {
      head.push(chunk)
      headBytes += chunk.length
      continue
    }
    tail.push(chunk)
    tailBytes += chunk.length
    if (tailBytes < 4 * KEPT_BYTES) continue
    tail = [Buffer.concat(tail).subarray(-KEPT_BYTES)]
    leftOut += tailBytes - KEPT_BYTES
    tailBytes = KEPT_BYTES
  }
  const gap = leftOut === 0 ? [] : [Buffer.from(`\n[${leftOut} bytes left out]\n`)]
  return Buffer.concat([...head, ...gap, ...tail])
}
