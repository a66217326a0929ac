import { span } from '../src/core/spans.ts'
import { metrics } from '../src/metrics/metrics.ts'
import { recentDefaults, recentOperations } from '../src/metrics/recent.ts'
import { completeOptions, type BenchOptions } from './measure/options.ts'
import { saveResults, textTable } from './measure/report.ts'
import { measureInTurns, summarise, type Side } from './measure/sides.ts'

/** How many operations a run of a side is. */
export const OPERATIONS = 20_000

/** What it costs an operation that it is counted, timed and perhaps remembered: the spans of a read from an image, with listeners and without. */
export async function run(options: BenchOptions): Promise<void> {
  const { print, rounds, signal } = completeOptions(options, { rounds: 9 })
  const sides = await measureInTurns([unheard(), heard()], { rounds, signal })
  const microseconds = sides.map(({ name, samples }) => ({
    name,
    perOperation: (summarise(samples).p50 / OPERATIONS) * 1000,
  }))
  const [alone = 0, watched = 0] = microseconds.map(({ perOperation }) => perOperation)
  const rows = microseconds.map(({ name, perOperation }) => [name, `${perOperation.toFixed(1)} µs`])
  await print(
    textTable([['side', 'an operation, p50'], ...rows, ['the difference', `${(watched - alone).toFixed(1)} µs`]]),
  )
  await print(`samples: ${await saveResults('metrics', sides)}\n`)
}

function unheard(): Side {
  return { name: 'nobody listens', run: timed }
}

/** The operations of a service. */
export function heard(): Side {
  return {
    name: 'metrics and recent operations listen',
    async run() {
      const figures = async () => ({
        workspaces: 0,
        programs: 0,
        readers: 0,
        flights: 0,
        running: 0,
        waiting: 0,
        images: 0,
        imageBytes: 0,
        poolWaiting: 0,
        poolTarget: 0,
      })
      const given = { operation: ['log'], effect: ['read'], tier: ['image'], subcommand: ['log', 'cat-file'] }
      const counting = metrics({ given, figures })
      const remembering = recentOperations({ ...recentDefaults, onNotable() {} })
      try {
        return await timed()
      } finally {
        counting.close()
        remembering.close()
      }
    },
  }
}

async function timed(): Promise<{ ms: number; bytes: null }> {
  const startedAt = performance.now()
  for (let at = 0; at < OPERATIONS; at += 1) await operation(at)
  return { ms: performance.now() - startedAt, bytes: null }
}

/** As the engine brackets a read: more repositories than are told apart. */
function operation(at: number): Promise<void> {
  return span('operation', { operation: 'log', effect: 'read' }, async (tell) => {
    await span('resolve', {}, nothing)
    await span('fork', { driver: 'local', upper: 'memory' }, nothing)
    await span('git', { subcommand: 'log', argv: () => ['log', '-z'] }, nothing)
    await span('git', { subcommand: 'cat-file', argv: () => ['cat-file', '--batch'] }, nothing)
    await span('destroy', { driver: 'local' }, nothing)
    tell({ tier: 'image', repo: `https://example.com/team/project-${at % 500}`, bytes: 0 })
  })
}

async function nothing(): Promise<void> {}
