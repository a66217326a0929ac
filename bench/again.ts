import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withGround } from './measure/ground.ts'
import { completeOptions, type BenchOptions } from './measure/options.ts'
import { gitEnvironment, timeProcess } from './measure/process.ts'
import { comparisonHead, comparisonRows, saveResults, textTable } from './measure/report.ts'
import { withScratch } from './measure/scratch.ts'
import { measureInTurns, type Side } from './measure/sides.ts'

const program = fileURLToPath(new URL('../bin/forkyard', import.meta.url))

/** The second `forkyard run … git status` on a repository of 20k files, whole process, against a shallow clone and status. */
export async function run(options: BenchOptions): Promise<void> {
  const complete = completeOptions(options, { rounds: 7 })
  const { print, rounds, signal } = complete
  await withGround(['files-20k'], complete, (ground) =>
    withScratch(async (scratch) => {
      const url = ground.url('files-20k')
      const env = {
        ...gitEnvironment,
        HOME: scratch,
        FORKYARD_STATE_DIR: join(scratch, 'state'),
        FORKYARD_ALLOW_HOSTS: ground.host,
      }
      const argv = [program, 'run', url, '--', 'git', 'status', '--porcelain']
      await timeProcess(argv, { env, signal })
      const again: Side = {
        name: 'forkyard run, again',
        run: async () => ({ ms: await timeProcess(argv, { env, signal }), bytes: null }),
      }
      const target = join(scratch, 'clone')
      const clone: Side = {
        name: 'git clone --depth=1, status',
        async run() {
          const cloned = await timeProcess(['git', 'clone', '--quiet', '--depth=1', url, target], { signal })
          return {
            ms: cloned + (await timeProcess(['git', 'status', '--porcelain'], { cwd: target, signal })),
            bytes: null,
          }
        },
        clean: () => rm(target, { recursive: true, force: true }),
      }
      const measured = await measureInTurns([clone, again], { rounds, signal })
      await print(textTable([comparisonHead, ...comparisonRows('20k files', measured, clone.name)]))
      await print(`samples: ${await saveResults('again', measured)}\n`)
    }),
  )
}
