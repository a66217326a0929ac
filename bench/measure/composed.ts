import { compose, type Composed } from '../../src/compose.ts'
import { parseSettings, type Settings } from '../../src/config.ts'

/** Lends forkyard's parts on a state directory of their own, with one host allowed, and closes them. */
export async function withComposed<Result>(
  { host, ...settings }: Partial<Settings> & { readonly host: string },
  work: (composed: Composed) => Promise<Result>,
): Promise<Result> {
  const composed = await compose(parseSettings({ ...settings, allowHosts: [host] }), {})
  try {
    return await work(composed)
  } finally {
    await composed.engine.close()
  }
}
