import { spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after } from 'node:test'
import { composeEngine } from '../../src/compose.ts'
import { parseSettings, type Settings } from '../../src/config.ts'
import type { Engine } from '../../src/engine/contract.ts'
import { scratchPlace } from './scratch-place.ts'

/** A state directory of its own with engines and whole processes on it; removed when its process ends. */
export interface EngineHome {
  /** Room for repositories and files; the sandboxes' user may pass through it. */
  readonly dir: string
  readonly settings: Settings
  /** Opens an engine in this process; it is closed after the tests of the file. */
  open(more?: Partial<Settings>, environment?: Readonly<Record<string, string>>): Promise<Engine>
  /** Does this when the tests of the file are done, while the directory is still there. */
  atEnd(work: () => Promise<void>): void
  /** Starts `bin/forkyard` on the state directory. */
  start(argv: readonly string[], env?: Readonly<Record<string, string>>): StartedCli
  /** Runs `bin/forkyard` to its end. */
  forkyard(argv: readonly string[], env?: Readonly<Record<string, string>>): Promise<CliEnd>
}

export interface StartedCli {
  readonly child: ChildProcess
  readonly end: Promise<CliEnd>
}

export interface CliEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

const program = join(import.meta.dirname, '../../bin/forkyard')

/** Call it at the top of a test file. Started as root its sandboxes have a uid that no other home has. */
export function makeHome(more: Partial<Settings> = {}): EngineHome {
  const dir = mkdtempSync(join(scratchPlace, 'forkyard-home-'))
  chmodSync(dir, 0o711)
  mkdirSync(join(dir, 'home'))
  const isRoot = process.getuid?.() === 0
  const settings = parseSettings({
    stateDir: join(dir, 'state'),
    allowHosts: ['127.0.0.1'],
    // What is left after a test is what was forgotten.
    readerIdleMs: 0,
    poolSize: 0,
    ...(isRoot ? { sandboxUid: randomInt(60_000, 65_000) } : {}),
    ...more,
  })
  const engines: Engine[] = []
  const endings: (() => Promise<void>)[] = []
  after(async () => {
    await Promise.all(engines.map((engine) => engine.close()))
    for (const end of endings) await end()
  })
  // Hooks run in the order in which they stand: a file that looks for what is left does so after the one above.
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }))

  function start(argv: readonly string[], env: Readonly<Record<string, string>> = {}): StartedCli {
    const child = spawn(program, argv, {
      cwd: dir,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: join(dir, 'home'),
        XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] ?? join(tmpdir(), `forkyard-test-cache-${process.getuid?.()}`),
        FORKYARD_STATE_DIR: settings.stateDir,
        FORKYARD_ALLOW_HOSTS: settings.allowHosts.join(','),
        FORKYARD_SANDBOX_UID: String(settings.sandboxUid),
        ...env,
      },
    })
    const exit = new Promise<Pick<CliEnd, 'code' | 'signal'>>((resolve, reject) =>
      child.once('error', reject).once('close', (code, signal) => resolve({ code, signal })),
    )
    const end = Promise.all([exit, buffer(child.stdout), buffer(child.stderr)]).then(([how, stdout, stderr]) => ({
      ...how,
      stdout: stdout.toString(),
      stderr: stderr.toString(),
    }))
    return { child, end }
  }

  return {
    dir,
    settings,
    async open(others = {}, environment = {}) {
      const engine = await composeEngine({ ...settings, ...others }, environment)
      engines.push(engine)
      return engine
    },
    atEnd: (work) => void endings.push(work),
    start,
    forkyard: (argv, env) => start(argv, env).end,
  }
}
