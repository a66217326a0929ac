import { compose, type Composed } from '../../src/compose.ts'
import { parseSettings } from '../../src/config.ts'

/** Lends forkyard's parts on a state directory of their own, with one host allowed, and closes them. */
export async function withComposed<Result>(
  {
    stateDir,
    host,
    resultCacheBytes,
  }: { readonly stateDir: string; readonly host: string; readonly resultCacheBytes?: number },
  work: (composed: Composed) => Promise<Result>,
): Promise<Result> {
  const composed = await compose(
    parseSettings({ stateDir, allowHosts: [host], ...(resultCacheBytes === undefined ? {} : { resultCacheBytes }) }),
    {},
  )
  try {
    return await work(composed)
  } finally {
    await composed.engine.close()
  }
}
