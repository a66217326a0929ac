import { join } from 'node:path'
import { generate, type PresetName } from '../generate/generate.ts'
import { withBeside } from './beside.ts'
import type { BenchOptions } from './options.ts'

/** Generated repositories behind a real HTTP server. */
export interface Ground {
  /** `127.0.0.1:port`. */
  readonly host: string
  url(name: PresetName): string
  /** The bare repository itself, to compare answers with. */
  gitDir(name: PresetName): string
}

/** Makes what is missing of the repositories, serves them while the work runs, and stops serving. */
export async function withGround<Result>(
  names: readonly PresetName[],
  { directory, print }: Pick<Required<BenchOptions>, 'directory' | 'print'>,
  work: (ground: Ground) => Promise<Result>,
): Promise<Result> {
  const repositories = new Map<PresetName, string>()
  for (const name of names) {
    await print(`repository ${name} in ${directory}\n`)
    repositories.set(name, await generate(directory, name))
  }
  const repository = (name: PresetName): string => {
    const found = repositories.get(name)
    if (found === undefined) throw new Error(`Cannot serve ${name}: it was not asked for`)
    return found
  }
  return withBeside(new URL('serve.ts', import.meta.url), [directory], (host) =>
    work({
      host,
      url: (name) => `http://${host}/${repository(name)}`,
      gitDir: (name) => join(directory, repository(name)),
    }),
  )
}
