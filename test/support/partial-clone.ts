import type { z } from 'zod'
import type { Operation, OperationContext } from '../../src/git/operation.ts'
import { hermeticGit, type Repository } from './repository.ts'
import { gitAt, refsOf, resolveInput } from './operation-run.ts'

/** A bare clone of `source` with every commit and tree but no file contents. */
export async function cloneWithoutBlobs(source: Repository, dir: string): Promise<void> {
  await source.git(['config', 'uploadpack.allowFilter', 'true'])
  await source.git(['config', 'uploadpack.allowAnySHA1InWant', 'true'])
  await hermeticGit('/', ['clone', '-q', '--bare', '--filter=blob:none', `file://${source.dir}`, dir])
}

/** Fetches the contents an operation lists, in one batch as a courier does; returns the ids. */
export async function fetchBlobs<Input extends z.ZodObject, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
  dir: string,
  input: z.input<Input>,
  source: Repository,
): Promise<readonly string[]> {
  const { signal } = new AbortController()
  const context: OperationContext = { signal, refs: (prefix) => refsOf(source.dir, prefix) }
  const resolved = await resolveInput(operation, input, { dir: source.dir })
  const ids = (await operation.blobs?.(gitAt(dir, { isBare: true }), resolved, context)) ?? []
  const flags = ['--no-write-fetch-head', '--no-tags', '--filter=blob:none', '--stdin', '--quiet']
  const config = ['-c', 'fetch.negotiationAlgorithm=noop', '-c', 'gc.auto=0', '-c', 'maintenance.auto=false']
  if (ids.length > 0) {
    const env = { GIT_NO_LAZY_FETCH: '1' }
    await hermeticGit(dir, [...config, 'fetch', ...flags, 'origin'], {
      input: ids.map((id) => `${id}\n`).join(''),
      env,
    })
  }
  return ids
}
