import { completeOptions, type BenchOptions } from './measure/options.ts'
import { saveResults, textTable } from './measure/report.ts'
import { all, broken, cells, head, lineOf, shares, type Line } from './simulate/lines.ts'

/** How the cache policy does on simulated requests beside plain LRU, with and without a TTL of an hour, and the optimum. */
export async function run(options: BenchOptions): Promise<void> {
  const { print } = completeOptions(options, { rounds: 1 })
  const lines = await simulateAll(options)
  await print(textTable([head, ...lines.map(cells)]))
  await print(`samples: ${await saveResults('cache', lines)}\n`)
  const failures = broken(lines)
  if (failures.length > 0) throw new Error(`The cache policy falls short: ${failures.join('; ')}`)
}

/** Every workload with every budget. */
export async function simulateAll({ print, signal }: Pick<BenchOptions, 'print' | 'signal'>): Promise<readonly Line[]> {
  const lines: Line[] = []
  for (const make of all) {
    const workload = make()
    await print(`${workload.name}: ${workload.at.length} requests for ${workload.repositories} repositories\n`)
    for (const share of shares) {
      signal.throwIfAborted()
      lines.push(lineOf(workload, share))
    }
  }
  return lines
}
