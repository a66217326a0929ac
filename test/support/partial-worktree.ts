import { hermeticGit, type Repository } from './repository.ts'

/** A working copy with every branch of its source; a partial one has no more contents than it shows. */
export async function cloneWorktree(
  source: Repository,
  dir: string,
  { cone, isPartial = false }: { cone?: readonly string[] | undefined; isPartial?: boolean },
): Promise<void> {
  await source.git(['config', 'uploadpack.allowFilter', 'true'])
  await source.git(['config', 'uploadpack.allowAnySHA1InWant', 'true'])
  const filter = isPartial ? ['--filter=blob:none'] : []
  await hermeticGit('/', ['clone', '-q', '--no-checkout', ...filter, `file://${source.dir}`, dir])
  if (cone !== undefined) await hermeticGit(dir, ['sparse-checkout', 'set', '--cone', ...cone])
  const others = ['fetch', '-q', '--update-head-ok', 'origin', 'refs/heads/*:refs/heads/*']
  await hermeticGit(dir, others)
  await hermeticGit(dir, ['reset', '-q', '--hard'])
}
