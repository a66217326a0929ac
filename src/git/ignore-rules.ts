import { exactBytes, type ExactText } from './bytes.ts'
import type { Git } from './run-git.ts'

const here = Buffer.from('./')

/** Which of these paths are ignored by rule, known to git or not; throws `path_blocked` where a link is on the way. */
export async function matchIgnoreRules(
  git: Git,
  paths: readonly ExactText[],
  { signal }: { signal: AbortSignal },
): Promise<readonly Buffer[]> {
  // This subcommand refuses to take paths literally. Behind "./" nothing in them is magic, and without the index
  // nothing is compared with them as patterns.
  const stdin = Buffer.concat(paths.flatMap((path) => [here, exactBytes(path), Buffer.of(0)]))
  const env = { GIT_LITERAL_PATHSPECS: '0' }
  const request = { flags: ['--no-index', '--stdin', '-z'], stdin, env, okExitCodes: [0, 1], signal }
  return git.read('check-ignore', request, async (reader) => {
    const found: Buffer[] = []
    for (let path = await reader.until(0); path !== null; path = await reader.until(0)) {
      found.push(Buffer.from(path.subarray(here.length)))
    }
    return found
  })
}
