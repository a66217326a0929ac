import { join } from 'node:path'
import type { Workspace } from '../src/engine/contract.ts'
import { withComposed } from './measure/composed.ts'
import { withGround } from './measure/ground.ts'
import { completeOptions, type BenchOptions } from './measure/options.ts'
import { saveResults, textTable } from './measure/report.ts'
import { withScratch } from './measure/scratch.ts'
import { summarise, type Sample } from './measure/sides.ts'

/** Programs that take all they can get, again and again until they are ended. */
const attacks: Readonly<Record<string, readonly string[]>> = {
  'fork bomb': ['perl', '-e', '$SIG{CHLD} = "IGNORE"; while (1) { fork }'],
  'memory bomb': ['perl', '-e', 'my @kept; while (1) { push @kept, "x" x 1_000_000 . scalar @kept }'],
  'disk filler': ['sh', '-c', 'while :; do cat /dev/zero >big 2>/dev/null; rm big; done'],
  'inode filler': [
    'perl',
    '-e',
    'mkdir "many"; while (1) { my $n = 0; $n++ while open my $f, ">", "many/$n"; unlink "many/$_" for 0 .. $n }',
  ],
  'output flood': ['yes'],
  'ignores signals': ['sh', '-c', 'trap "" TERM INT HUP QUIT; while :; do :; done'],
  daemon: [
    'perl',
    '-e',
    'use POSIX; for (1 .. 4) { if (!fork) { POSIX::setsid(); if (!fork) { 1 while 1 } exit } } sleep 100',
  ],
}

const limits = { diskBytes: 256 * 1024 ** 2, inodes: 50_000, memoryBytes: 512 * 1024 ** 2 }

/** What somebody's operations take while a neighbour does its worst, against quiet times right before and after. */
export async function run(options: BenchOptions): Promise<void> {
  const complete = completeOptions(options, { rounds: 200 })
  const { print, rounds, signal } = complete
  await withGround(['files-1k'], complete, (ground) =>
    withScratch((scratch) =>
      withComposed({ stateDir: join(scratch, 'state'), host: ground.host, ...limits }, async ({ engine }) => {
        const mine = await engine.open({ repo: ground.url('files-1k') })
        await statusTimes(mine, { rounds, signal })
        const results: Record<string, { quiet: readonly Sample[]; beside: readonly Sample[] }> = {}
        for (const [name, argv] of Object.entries(attacks)) {
          const theirs = await engine.open({ repo: ground.url('files-1k') })
          const before = await statusTimes(mine, { rounds: rounds / 2, signal })
          const attack = startAttack(theirs, argv)
          await attack.isUnderWay
          const beside = await statusTimes(mine, { rounds, signal })
          await attack.end()
          await theirs.close()
          const quiet = [...before, ...(await statusTimes(mine, { rounds: rounds / 2, signal }))]
          results[name] = { quiet, beside }
        }
        await mine.close()
        await print(table(results))
        await print(`samples: ${await saveResults('neighbours', results)}\n`)
      }),
    ),
  )
}

async function statusTimes(
  workspace: Workspace,
  { rounds, signal }: { readonly rounds: number; readonly signal: AbortSignal },
): Promise<readonly Sample[]> {
  const samples: Sample[] = []
  for (let round = 0; round < rounds; round += 1) {
    const startedAt = performance.now()
    await workspace.run('status', {}, { signal })
    samples.push({ ms: performance.now() - startedAt, bytes: null })
  }
  return samples
}

/** Starts the program again whenever a limit ended it. */
function startAttack(workspace: Workspace, argv: readonly string[]) {
  const over = new AbortController()
  const first = Promise.withResolvers<void>()
  const attack = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const { running, receipt } = await workspace.exec({ argv, deadlineMs: 2000 }, { signal: over.signal })
      first.resolve()
      await Promise.allSettled([drain(running.stdout), drain(running.stderr), running.exit, receipt])
    }
  }
  const ended = attack()
  ended.catch((error: unknown) => first.reject(error))
  return {
    isUnderWay: first.promise,
    async end() {
      over.abort()
      await ended.catch((error: unknown) => {
        if (!over.signal.aborted) throw error
      })
    },
  }
}

async function drain(output: AsyncIterable<Uint8Array>): Promise<void> {
  const chunks = output[Symbol.asyncIterator]()
  while (!(await chunks.next()).done);
}

function table(results: Readonly<Record<string, { quiet: readonly Sample[]; beside: readonly Sample[] }>>): string {
  const rows = Object.entries(results).map(([name, { quiet, beside }]) => {
    const [alone, attacked] = [summarise(quiet), summarise(beside)]
    return [
      name,
      ...[alone.p50, alone.p95, attacked.p50, attacked.p95].map(ms),
      `${(attacked.p95 / alone.p95).toFixed(2)}x`,
    ]
  })
  return textTable([['beside', 'quiet p50', 'quiet p95', 'p50', 'p95', 'p95 ratio'], ...rows])
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`
}
