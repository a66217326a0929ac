import { Writable } from 'node:stream'
import type { Doors } from '../../src/cli/doors.ts'
import type { Interrupt } from '../../src/cli/interrupt.ts'
import { runCli } from '../../src/cli/run-cli.ts'
import { AppError } from '../../src/core/errors.ts'
import type { Exit, Running } from '../../src/core/exec.ts'
import type { Engine, Receipt } from '../../src/engine/contract.ts'

export const receipt: Receipt = {
  repo: 'https://example.com/a',
  ref: 'HEAD',
  commit: 'c'.repeat(40),
  history: 1,
  stalenessMs: 0,
  driver: 'local',
  tier: 'image',
  plan: [],
  bytesFetched: 0,
  phases: [],
  warnings: [],
  correlationId: 'f'.repeat(32),
}

/** One call that reached the engine. */
export interface Call {
  readonly method: string
  readonly name?: string
  readonly input?: unknown
}

/** An engine that records its calls and answers as told; what is not told is unexpected. */
export function fakeEngine(answers: Partial<Engine> = {}): { readonly engine: Engine; readonly calls: Call[] } {
  const calls: Call[] = []
  const unexpected = (): never => {
    throw new Error('unexpected call')
  }
  const engine: Engine = {
    run: async (name, input, options) => {
      calls.push({ method: 'run', name, input })
      return await (answers.run ?? unexpected)(name, input, options)
    },
    stream: (name, input, options) => {
      calls.push({ method: 'stream', name, input })
      return (answers.stream ?? unexpected)(name, input, options)
    },
    exec: async (input, options) => {
      calls.push({ method: 'exec', input })
      return await (answers.exec ?? unexpected)(input, options)
    },
    explain: async (name, input, options) => {
      calls.push({ method: 'explain', name, input })
      return await (answers.explain ?? unexpected)(name, input, options)
    },
    warm: async (input, options) => {
      calls.push({ method: 'warm', input })
      return await (answers.warm ?? unexpected)(input, options)
    },
    open: async (input, options) => await (answers.open ?? unexpected)(input, options),
    workspace: async (id) => await (answers.workspace ?? unexpected)(id),
    workspaces: async () => await (answers.workspaces ?? unexpected)(),
    images: async () => await (answers.images ?? unexpected)(),
    drop: async (id) => {
      calls.push({ method: 'drop', input: id })
      await answers.drop?.(id)
    },
    state: async () => await (answers.state ?? unexpected)(),
    close: async () => void calls.push({ method: 'close' }),
  }
  return { engine, calls }
}

/** A program that has already said all it will say. */
export function finishedProgram(exit: Exit, output: { stdout?: Uint8Array[]; stderr?: Uint8Array[] } = {}): Running {
  async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
    yield* chunks
  }
  return {
    stdout: stream(output.stdout ?? []),
    stderr: stream(output.stderr ?? []),
    exit: Promise.resolve(exit),
    signal() {},
  }
}

export interface CliOptions {
  readonly engine?: Engine
  readonly doors?: Partial<Doors>
  readonly isTTY?: boolean
  readonly interrupt?: Interrupt
  /** Chunks of stdout the reader takes before it leaves. */
  readonly stdoutChunks?: number
}

/** Runs one command line against fakes and tells everything it did. */
export async function cli(argv: readonly string[], options: CliOptions = {}) {
  const stdout = sink(options.isTTY ?? false, options.stdoutChunks)
  const stderr = sink(options.isTTY ?? false)
  const doors: Doors = {
    service: () => Promise.reject(new Error('no service in this test')),
    server: () => Promise.reject(new Error('no server in this test')),
    engine: async () => options.engine ?? fakeEngine().engine,
    probeHost: async () => ({ checks: [], able: true }),
    benchmarks: async () => [],
    version: async () => '1.2.3',
    gitAuthorization: undefined,
    ...options.doors,
  }
  const interrupt = options.interrupt ?? { signal: new AbortController().signal, exitCode: () => 130 }
  const code = await runCli(argv, { doors, terminal: { stdout: stdout.stream, stderr: stderr.stream }, interrupt })
  return { code, stdout: stdout.text(), stderr: stderr.text(), bytes: stdout.bytes() }
}

/** An engine that fails with the given code whatever is asked. */
export function failingEngine(code: AppError['code']): Engine {
  const fail = () => Promise.reject(new AppError(code, 'Cannot do it: a reason'))
  return fakeEngine({ run: fail, exec: fail, explain: fail, warm: fail, images: fail, drop: fail }).engine
}

function sink(isTTY: boolean, chunksTaken = Infinity) {
  const chunks: Buffer[] = []
  const write = (chunk: Buffer, _encoding: string, done: (error?: Error) => void): void => {
    if (chunks.length >= chunksTaken) return done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    chunks.push(chunk)
    return done()
  }
  const stream = Object.assign(new Writable({ write, autoDestroy: false }), { isTTY })
  const bytes = (): Buffer => Buffer.concat(chunks)
  return { stream, bytes, text: () => bytes().toString('utf8') }
}
