import { AppError } from '../core/errors.ts'
import { commitAt } from './head.ts'
import { scissors } from './message.ts'
import type { Git } from './run-git.ts'

/**
 * How whatever may stop at a conflict is begun: git then notes the conflicts in the prepared message behind a mark, and lines
 * that begin with # stay part of the message when it is concluded.
 */
export const stoppable: Readonly<Record<string, string>> = {
  'commit.cleanup': 'scissors',
  'i18n.commitEncoding': 'UTF-8',
}

/** The configuration to conclude with: what others began without that mark has its conflicts noted in lines with #. */
export async function concluding(git: Git, { signal }: { signal: AbortSignal }): Promise<Record<string, string>> {
  const flags = ['--no-index', '--quiet', '--text', '--no-textconv', '--fixed-strings', `-e${scissors}`]
  const request = { flags, paths: ['MERGE_MSG'], okExitCodes: [0, 1], commitsOnly: true, signal }
  const { exitCode } = await git('grep', request)
  return exitCode === 0 ? stoppable : { ...stoppable, 'commit.cleanup': 'strip' }
}

/** Makes the commit of a merge, a pick or a revert whose conflicts are resolved; returns its id. */
export async function conclude(
  git: Git,
  { message, signal }: { message: string | null; signal: AbortSignal },
): Promise<string> {
  // Quiet also means that git does not compare contents once more for a summary.
  const flags = ['--quiet', '--no-verify', '--no-status', '--no-gpg-sign', '--allow-empty-message']
  if (message === null) await git('commit', { flags, config: await concluding(git, { signal }), signal })
  else {
    const given = [...flags, '--file=-', '--cleanup=whitespace']
    await git('commit', { flags: given, config: stoppable, stdin: message, signal })
  }
  const commit = await commitAt(git, 'HEAD', { signal })
  if (commit === null) throw new AppError('git_failed', 'Cannot conclude: HEAD leads nowhere afterwards')
  return commit
}
