import { finish, outputOf, type Command, type Exec } from '../core/exec.ts'
import { span } from '../core/spans.ts'
import { joinArguments, type GitArguments, type Subcommand } from './arguments.ts'
import { stringArgv } from './byte-arguments.ts'
import { ByteReader } from './byte-reader.ts'
import { commitsOnlyEnvironment, gitEnvironment } from './environment.ts'
import { gitFailure, isIncomplete } from './failure.ts'

/** One run of git. */
export interface GitRequest extends GitArguments {
  /** Exit codes that are answers; 0 alone by default. */
  readonly okExitCodes?: readonly number[]
  readonly stdin?: string | Uint8Array | AsyncIterable<Uint8Array>
  readonly env?: Readonly<Record<string, string>>
  /** Configuration for this run only. */
  readonly config?: Readonly<Record<string, string>>
  /** Neither worktree nor index nor attribute files are seen, so that the answer depends on commits alone. */
  readonly commitsOnly?: boolean
  readonly maxOutputBytes?: number
  readonly signal: AbortSignal
}

export interface GitResult {
  readonly stdout: Buffer
  /** `stdout` as UTF-8. */
  readonly text: string
  readonly stderr: string
  readonly exitCode: number
}

/** Runs git on one repository; failures are AppErrors. */
export interface Git {
  (subcommand: Subcommand, request: GitRequest): Promise<GitResult>
  /** Hands the output to `use` while git runs; git is ended when `use` returns before the end. */
  read<Value>(subcommand: Subcommand, request: GitRequest, use: (reader: ByteReader) => Promise<Value>): Promise<Value>
  /** The output while git runs; git is ended when the consumer stops. */
  stream(subcommand: Subcommand, request: GitRequest): { readonly records: AsyncIterable<Uint8Array> }
}

export interface GitBinding {
  /** Where git runs; the repository is found from here. */
  readonly cwd?: string
  /** The git directory, where it is not `.git` in `cwd`. */
  readonly gitDir?: string
  readonly env?: Readonly<Record<string, string>>
  readonly config?: Readonly<Record<string, string>>
  readonly deadlineMs: number
  /** Most bytes of output of one run. */
  readonly maxOutputBytes: number
  readonly correlationId: string
}

/** Git on a repository in the place where `exec` runs commands. */
export function bindGit(exec: Exec, binding: GitBinding): Git {
  const { cwd = '/workspace', gitDir } = binding

  function command(subcommand: Subcommand, request: GitRequest): Command {
    const directory = gitDir ?? `${cwd}/.git`
    const isHidden = request.commitsOnly === true
    const env = {
      ...gitEnvironment({ correlationId: binding.correlationId, config: { ...binding.config, ...request.config } }),
      ...binding.env,
      ...(gitDir === undefined ? {} : { GIT_DIR: gitDir }),
      ...(isHidden ? commitsOnlyEnvironment('.') : {}),
      ...request.env,
    }
    return {
      argv: stringArgv(['git', ...joinArguments(subcommand, request)]),
      cwd: isHidden ? directory : cwd,
      env,
      ...(request.stdin === undefined ? {} : { stdin: chunks(request.stdin) }),
      signal: request.signal,
      deadlineMs: binding.deadlineMs,
      maxOutputBytes: request.maxOutputBytes ?? binding.maxOutputBytes,
    }
  }

  function check(subcommand: Subcommand, request: GitRequest, exitCode: number, stderr: Buffer): void {
    const said = stderr.toString('utf8')
    if ((request.okExitCodes ?? [0]).includes(exitCode) && !isIncomplete(said)) return
    throw gitFailure({ subcommand, exitCode, stderr: said })
  }

  async function run(subcommand: Subcommand, request: GitRequest): Promise<GitResult> {
    return span('git', { subcommand, argv: () => joinArguments(subcommand, request) }, async () => {
      const { code, stdout, stderr } = await finish(exec(command(subcommand, request)))
      check(subcommand, request, code, stderr)
      return { stdout, text: stdout.toString('utf8'), stderr: stderr.toString('utf8'), exitCode: code }
    })
  }

  function records(subcommand: Subcommand, request: GitRequest): AsyncGenerator<Uint8Array, void> {
    const start = () => exec(command(subcommand, request))
    return outputOf(start, ({ code }, stderr) => check(subcommand, request, code, stderr))
  }

  const stream: Git['stream'] = (subcommand, request) => ({ records: records(subcommand, request) })

  const read: Git['read'] = (subcommand, request, use) =>
    span('git', { subcommand, argv: () => joinArguments(subcommand, request) }, async () => {
      const source = records(subcommand, {
        ...request,
        maxOutputBytes: request.maxOutputBytes ?? Number.MAX_SAFE_INTEGER,
      })
      try {
        return await use(new ByteReader(source))
      } finally {
        await source.return()
      }
    })

  return Object.assign(run, { read, stream })
}

async function* chunks(input: string | Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (typeof input === 'string') yield Buffer.from(input)
  else if (input instanceof Uint8Array) yield input
  else yield* input
}
