import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { startGitServer } from '../test/support/git-server.ts'
import { generate } from './generate/generate.ts'
import { withComposed } from './measure/composed.ts'
import { completeOptions, type BenchOptions } from './measure/options.ts'
import { timeProcess } from './measure/process.ts'
import { comparisonHead, comparisonRows, saveResults, textTable } from './measure/report.ts'
import { withScratch } from './measure/scratch.ts'
import { measureInTurns, type Side } from './measure/sides.ts'
import { pushChanges } from './measure/push-changes.ts'

const CHANGED_FILES = 100

/** A golden image brought up to date after a push of a hundred files, against a fresh shallow clone; 80k files. */
export async function run(options: BenchOptions): Promise<void> {
  const complete = completeOptions(options, { rounds: 5 })
  const { print, rounds, signal, directory } = complete
  const repository = await generate(directory, 'files-80k')
  await withScratch(async (scratch) => {
    // A copy, because this benchmark pushes.
    await cp(join(directory, repository), join(scratch, 'upstream.git'), { recursive: true })
    const server = await startGitServer({ root: scratch })
    try {
      await withComposed({ stateDir: join(scratch, 'state'), host: server.host }, async ({ engine }) => {
        const repo = server.url('upstream.git')
        await engine.warm({ repo }, { signal })
        const tiers = new Set<string>()
        const refresh: Side = {
          name: 'refresh',
          prepare: () => pushChanges(join(scratch, 'upstream.git'), CHANGED_FILES),
          async run() {
            const startedAt = performance.now()
            const { receipt } = await engine
              .exec({ repo, argv: ['true'] }, { signal })
              .then(async ({ running, receipt: ending }) => {
                for await (const _ of running.stdout);
                return { receipt: await ending }
              })
            tiers.add(receipt.tier)
            return { ms: performance.now() - startedAt, bytes: receipt.bytesFetched }
          },
        }
        const target = join(scratch, 'clone')
        const clone: Side = {
          name: 'git clone --depth=1',
          run: async () => ({
            ms: await timeProcess(['git', 'clone', '--quiet', '--depth=1', repo, target], { signal }),
            bytes: null,
          }),
          clean: () => rm(target, { recursive: true, force: true }),
        }
        const measured = await measureInTurns([clone, refresh], { rounds, signal })
        await print(textTable([comparisonHead, ...comparisonRows('100 files pushed', measured, 'git clone --depth=1')]))
        await print(`tiers: ${[...tiers].join(', ')}\nsamples: ${await saveResults('refresh', measured)}\n`)
      })
    } finally {
      await server.close()
    }
  })
}
