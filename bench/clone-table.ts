import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { PresetName } from './generate/generate.ts'
import { withGround } from './measure/ground.ts'
import { completeOptions, type BenchOptions } from './measure/options.ts'
import { timeProcess } from './measure/process.ts'
import { comparisonHead, comparisonRows, saveResults, textTable } from './measure/report.ts'
import { diskBytes, withScratch } from './measure/scratch.ts'
import { measureInTurns, type Side } from './measure/sides.ts'

/** What plain git offers to make a clone cheaper, on long history, many files and large binaries: time and disk. */
export async function run(options: BenchOptions): Promise<void> {
  const complete = completeOptions(options, { rounds: 3 })
  const { print, rounds, signal } = complete
  const names: readonly PresetName[] = ['deep', 'files-20k', 'files-80k', 'binaries']
  const results: Record<string, unknown> = {}
  await withGround(names, complete, (ground) =>
    withScratch(async (scratch) => {
      for (const name of names) {
        const sides = Object.entries(ways).map(([way, commands]) => {
          return cloneSide(way, commands(ground.url(name)), join(scratch, 'clone'), signal)
        })
        const measured = await measureInTurns(sides, { rounds, signal })
        results[name] = measured
        await print(`${textTable([comparisonHead, ...comparisonRows(name, measured, 'full')])}\n`)
      }
    }),
  )
  await print(`samples: ${await saveResults('clone-table', results)}\n`)
}

type Commands = (url: string) => readonly (readonly string[])[]

/** Each way is git's arguments, run one after the other; the first is a clone and is given the target last. */
const ways: Readonly<Record<string, Commands>> = {
  full: (url) => [['clone', url]],
  'depth 1, one branch': (url) => [['clone', '--depth=1', '--single-branch', url]],
  blobless: (url) => [['clone', '--filter=blob:none', url]],
  treeless: (url) => [['clone', '--filter=tree:0', url]],
  'depth 1, sparse': (url) => [
    ['clone', '--depth=1', '--filter=blob:none', '--sparse', url],
    ['sparse-checkout', 'set', 'core'],
  ],
}

function cloneSide(name: string, commands: ReturnType<Commands>, target: string, signal: AbortSignal): Side {
  const remove = (): Promise<void> => rm(target, { recursive: true, force: true })
  return {
    name,
    prepare: remove,
    async run() {
      let ms = 0
      for (const args of commands) {
        const argv = args[0] === 'clone' ? ['clone', '--quiet', ...args.slice(1), target] : ['-C', target, ...args]
        ms += await timeProcess(['git', ...argv], { signal })
      }
      return { ms, bytes: await diskBytes(target) }
    },
    clean: remove,
  }
}
