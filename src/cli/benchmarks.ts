import { existsSync, readdirSync } from 'node:fs'
import type { Benchmark } from './doors.ts'

/** The scenarios of a folder: every file in it exports a `run`; empty where the folder is not shipped. */
export function benchmarksIn(folder: URL): readonly Benchmark[] {
  if (!existsSync(folder)) return []
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts'))
  return files.toSorted().map((file) => ({
    name: file.slice(0, -'.ts'.length),
    async run(options) {
      const scenario = (await import(new URL(file, folder).href)) as Pick<Benchmark, 'run'>
      await scenario.run(options)
    },
  }))
}
