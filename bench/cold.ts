import { execFile } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { compose, type Composed } from '../src/compose.ts'
import { parseSettings } from '../src/config.ts'
import { finish } from '../src/core/exec.ts'
import { blamedPath } from './generate/files.ts'
import type { PresetName } from './generate/generate.ts'
import { withGround, type Ground } from './measure/ground.ts'
import { completeOptions, type BenchOptions } from './measure/options.ts'
import { gitEnvironment, timeProcess } from './measure/process.ts'
import { comparisonHead, comparisonRows, saveResults, textTable } from './measure/report.ts'
import { withScratch } from './measure/scratch.ts'
import { fastest, measureInTurns, type Measured, type Side } from './measure/sides.ts'

const SERVICE = 'forkyard, running'
const PROGRAM = 'forkyard, whole program'

/** The first command on a repository never seen before, against every plain clone that can answer it. */
export async function run(options: BenchOptions): Promise<void> {
  const complete = completeOptions(options, { rounds: 5 })
  const { print, rounds, signal } = complete
  const names = (process.env['FORKYARD_BENCH_REPOSITORIES']?.split(',') ?? ['deep', 'files-20k']) as PresetName[]
  const results: Record<string, readonly Measured[]> = {}
  const misses: string[] = []
  await withGround(names, complete, (ground) =>
    withScratch(async (scratch) => {
      for (const name of names) {
        for (const command of commands) {
          const title = `${name} ${command.name}`
          const ours = [
            serviceSide(command, ground, name, join(scratch, 'state'), signal),
            programSide(command, ground, name, join(scratch, 'state'), signal),
          ]
          const plain = Object.entries(clones)
            .filter(([way]) => way !== 'depth 1' || command.worksShallow)
            .map(([way, flags]) => gitSide(way, flags, command, ground.url(name), join(scratch, 'clone'), signal))
          const sides = withForkyard ? [...ours, ...plain] : plain
          if (withForkyard) await assertRightAnswer(command, ground, name, join(scratch, 'state'))
          const measured = await measureInTurns(sides, { rounds, signal })
          results[title] = measured
          const best = fastest(measured.filter(({ name: side }) => side !== SERVICE && side !== PROGRAM))
          await print(`${textTable([comparisonHead, ...comparisonRows(title, measured, best.name)])}\n`)
          if (fastest(measured.filter(({ name: side }) => side !== PROGRAM)).name !== SERVICE) misses.push(title)
        }
      }
    }),
  )
  await print(`samples: ${await saveResults('cold', results)}\n`)
  if (withForkyard)
    await print(misses.length === 0 ? 'a running forkyard is faster everywhere\n' : `slower: ${misses.join(', ')}\n`)
}

/** FORKYARD_BENCH_SIDES=git measures plain git alone. */
const withForkyard = process.env['FORKYARD_BENCH_SIDES'] !== 'git'

const clones: Readonly<Record<string, readonly string[]>> = {
  full: [],
  'depth 1': ['--depth=1'],
  blobless: ['--filter=blob:none'],
}

interface ColdCommand {
  readonly name: string
  /** The same as a call of the library; `run` is `exec`. */
  readonly engine: readonly [operation: string, input: Readonly<Record<string, unknown>>]
  /** Arguments of forkyard; the repository's URL comes second. */
  readonly forkyard: readonly [string, ...string[]]
  /** The same in a clone. */
  readonly argv: readonly string[]
  readonly worksShallow: boolean
  /** Git's arguments in the bare repository; every line it prints must be in forkyard's answer. */
  readonly proof: readonly string[] | null
}

const commands: readonly ColdCommand[] = [
  {
    name: 'log --limit=20',
    engine: ['log', { limit: 20 }],
    forkyard: ['log', '--limit=20', '--json'],
    argv: ['git', 'log', '-20'],
    worksShallow: false,
    proof: ['log', '-20', '--format=%H', 'main'],
  },
  {
    name: 'diff main~3 main',
    engine: ['diff', { from: 'main~3', to: 'main' }],
    forkyard: ['diff', '--from', 'main~3', '--to', 'main', '--json'],
    argv: ['git', 'diff', 'main~3', 'main'],
    worksShallow: false,
    proof: ['diff', '--name-only', 'main~3', 'main'],
  },
  {
    name: 'merge-base main topic',
    engine: ['merge-base', { ours: 'main', theirs: 'topic' }],
    forkyard: ['merge-base', '--ours', 'main', '--theirs', 'topic', '--json'],
    argv: ['git', 'merge-base', 'main', 'origin/topic'],
    worksShallow: false,
    proof: ['merge-base', 'main', 'topic'],
  },
  {
    name: 'blame',
    engine: ['blame', { path: blamedPath }],
    forkyard: ['blame', '--path', blamedPath, '--json'],
    argv: ['git', 'blame', '--porcelain', blamedPath],
    worksShallow: false,
    proof: ['log', '-1', '--format=%H', 'main', '--', blamedPath],
  },
  {
    name: 'grep 617',
    engine: ['grep', { pattern: '617' }],
    forkyard: ['grep', '--pattern', '617', '--json'],
    argv: ['git', 'grep', '-n', '617'],
    worksShallow: true,
    proof: null,
  },
  {
    name: 'run true',
    engine: ['run', { argv: ['true'] }],
    forkyard: ['run', '--', 'true'],
    argv: ['true'],
    worksShallow: true,
    proof: null,
  },
]

const runFile = promisify(execFile)
const program = fileURLToPath(new URL('../bin/forkyard', import.meta.url))

function forkyardArgv({ forkyard: [operation, ...flags] }: ColdCommand, url: string): string[] {
  return [program, operation, url, ...flags]
}

function forkyardEnvironment(host: string, stateDirectory: string): Record<string, string> {
  return { ...gitEnvironment, FORKYARD_STATE_DIR: stateDirectory, FORKYARD_ALLOW_HOSTS: host }
}

/** An engine that runs, as in a service: what every request after the start meets. */
function serviceSide(
  { engine: [operation, input] }: ColdCommand,
  ground: Ground,
  name: PresetName,
  stateDir: string,
  signal: AbortSignal,
): Side {
  let composed: Composed | null = null
  return {
    name: SERVICE,
    async prepare() {
      await empty(stateDir)
      composed = await compose(parseSettings({ stateDir, allowHosts: [ground.host] }), {})
    },
    async run() {
      if (composed === null) throw new Error('Cannot measure: nothing was prepared')
      const { engine } = composed
      const repo = ground.url(name)
      const startedAt = performance.now()
      if (operation !== 'run') await engine.run(operation, { repo, ...input }, { signal })
      else {
        const { running } = await engine.exec({ repo, ...input }, { signal })
        await finish(running)
      }
      return { ms: performance.now() - startedAt, bytes: null }
    },
    async clean() {
      await composed?.engine.close()
      await empty(stateDir)
    },
  }
}

/** The command line, whole process: the start of the program is in every figure. */
function programSide(
  command: ColdCommand,
  ground: Ground,
  name: PresetName,
  stateDirectory: string,
  signal: AbortSignal,
): Side {
  const env = forkyardEnvironment(ground.host, stateDirectory)
  return {
    name: PROGRAM,
    prepare: () => empty(stateDirectory),
    run: async () => ({ ms: await timeProcess(forkyardArgv(command, ground.url(name)), { env, signal }), bytes: null }),
    clean: () => empty(stateDirectory),
  }
}

function gitSide(
  way: string,
  flags: readonly string[],
  { argv }: ColdCommand,
  url: string,
  target: string,
  signal: AbortSignal,
): Side {
  const remove = (): Promise<void> => rm(target, { recursive: true, force: true })
  return {
    name: way,
    prepare: remove,
    async run() {
      const cloneMs = await timeProcess(['git', 'clone', '--quiet', ...flags, url, target], { signal })
      return { ms: cloneMs + (await timeProcess(argv, { cwd: target, signal })), bytes: null }
    },
    clean: remove,
  }
}

/** A fast wrong answer is worth nothing: what git knows must be in it. */
async function assertRightAnswer(
  command: ColdCommand,
  ground: Ground,
  name: PresetName,
  stateDirectory: string,
): Promise<void> {
  if (command.proof === null) return
  await empty(stateDirectory)
  const [file = '', ...args] = forkyardArgv(command, ground.url(name))
  const maxBuffer = 64 << 20
  const env = forkyardEnvironment(ground.host, stateDirectory)
  const answer = await runFile(file, args, { env, maxBuffer })
  const known = await runFile('git', ['--git-dir', ground.gitDir(name), ...command.proof], {
    env: gitEnvironment,
    maxBuffer,
  })
  for (const line of known.stdout.split('\n')) {
    if (!answer.stdout.includes(line)) throw new Error(`Cannot measure ${command.name}: "${line}" is not in the answer`)
  }
  await empty(stateDirectory)
}

async function empty(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
}
