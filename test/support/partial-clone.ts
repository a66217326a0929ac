import type { z } from 'zod'
import type { Operation, OperationContext } from '../../src/git/operation.ts'
import type { Git } from '../../src/git/run-git.ts'
import { hermeticGit, openRepository, type Repository } from './repository.ts'
import { gitAt, hostFiles, noUpstream, refsOf, resolveInput } from './operation-run.ts'

/** A bare clone of `source` with every commit and tree but no file contents. */
export async function cloneWithoutBlobs(source: Repository, dir: string): Promise<void> {
  await source.git(['config', 'uploadpack.allowFilter', 'true'])
  await source.git(['config', 'uploadpack.allowAnySHA1InWant', 'true'])
  await hermeticGit('/', ['clone', '-q', '--bare', '--filter=blob:none', `file://${source.dir}`, dir])
}

/** A working copy of `source` that shows some directories, with no more file contents than that takes. */
export async function cloneCone(source: Repository, dir: string, cone: readonly string[]): Promise<Repository> {
  await source.git(['config', 'uploadpack.allowFilter', 'true'])
  await source.git(['config', 'uploadpack.allowAnySHA1InWant', 'true'])
  await hermeticGit('/', ['clone', '-q', '--no-checkout', '--filter=blob:none', `file://${source.dir}`, dir])
  const repository = openRepository(dir)
  await repository.git(['sparse-checkout', 'set', '--cone', ...cone])
  await repository.git(['checkout', '--quiet', 'main'])
  return repository
}

/** Fetches the contents an operation lists, in one batch as a courier does; returns the ids. */
export async function fetchBlobs<Input extends z.ZodObject, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
  dir: string,
  asked: z.input<Input>,
  source: Repository,
  git: Git = gitAt(dir, { isBare: true }),
): Promise<readonly string[]> {
  const { signal } = new AbortController()
  const context: OperationContext = {
    signal,
    refs: (prefix) => refsOf(source.dir, prefix),
    files: hostFiles(dir),
    upstream: noUpstream,
  }
  const resolved = await resolveInput(operation, asked, { dir: source.dir })
  const ids = (await operation.blobs?.(git, resolved, context)) ?? []
  const flags = ['--no-write-fetch-head', '--no-tags', '--filter=blob:none', '--stdin', '--quiet']
  const config = ['-c', 'fetch.negotiationAlgorithm=noop', '-c', 'gc.auto=0', '-c', 'maintenance.auto=false']
  const env = { GIT_NO_LAZY_FETCH: '1' }
  const input = ids.map((id) => `${id}\n`).join('')
  const listing = ['--objects', '--no-object-names', '--no-walk', '--missing=print', '--ignore-missing', '--stdin']
  const present = (await hermeticGit(dir, ['rev-list', ...listing], { input, env })).toString().split('\n')
  const wanted = ids.filter((id) => !present.includes(id))
  if (wanted.length > 0) {
    await hermeticGit(dir, [...config, 'fetch', ...flags, 'origin'], { input: `${wanted.join('\n')}\n`, env })
  }
  return ids
}
