import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../../src/core/errors.ts'
import type { PushOptions } from '../../src/git/remote/push-options.ts'
import type { Remote } from '../../src/git/remote/remote.ts'
import type { Repository } from './repository.ts'

/** Repositories that can be pushed to. */
export interface PushTarget {
  /** Directory whose sub-directories are served. */
  readonly root: string
  open(name: string): Remote
  close(): Promise<void>
}

/** What is to be where; by default the branch main, wherever it was. */
export function pushOptions(options: Partial<PushOptions> & Pick<PushOptions, 'oid'>): PushOptions {
  return { ref: 'refs/heads/main', expected: 'any', signal: new AbortController().signal, ...options }
}

/** The pack that leads from what a ref holds to an object, as chunks. */
export async function* packFor(
  work: Repository,
  oid: string,
  ground: { readonly old: string | null },
): AsyncGenerator<Uint8Array, void, void> {
  yield* pieces(await packBytes(work, oid, ground))
}

/** The same in one piece. */
export function packBytes(work: Repository, oid: string, { old }: { readonly old: string | null }): Promise<Buffer> {
  const flags = ['--stdout', '--revs', '--thin', '--delta-base-offset', '-q']
  return work.gitBytes(['pack-objects', ...flags], { input: `${oid}\n${old === null ? '' : `^${old}\n`}` })
}

/** Bytes in the sizes in which pipes deliver them. */
export async function* pieces(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** Names of the refs of a repository, after a look that it is sound and has no locks or half-received objects. */
export async function cleanState(repository: Repository): Promise<readonly string[]> {
  await repository.git(['fsck', '--strict', '--connectivity-only'])
  const files = await readdir(repository.dir, { recursive: true })
  assert.deepEqual(
    files.filter((name) => /\.lock$|tmp_|incoming/.test(name)),
    [],
  )
  return (await repository.git(['for-each-ref', '--format=%(refname)'])).split('\n')
}

/** Installs a hook written for the shell. */
export async function addHook(repository: Repository, name: string, script: string): Promise<void> {
  await mkdir(join(repository.dir, 'hooks'), { recursive: true })
  const path = join(repository.dir, 'hooks', name)
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
}

/** Whether an error is `push_rejected` for this reason, with such words in its message or in what was said. */
export function rejectedWith(reason: string, words: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert(hasCode(error, 'push_rejected'), String(error))
    assert.equal(error.details['reason'], reason)
    const texts = [error.message, ...(error.details['said'] as readonly string[])]
    assert(
      texts.some((text) => words.test(text)),
      texts.join('\n'),
    )
    return true
  }
}

/** Does something as soon as it can be done; what is still in the way after twenty seconds is thrown. */
export async function eventually<T>(act: () => Promise<T>): Promise<T> {
  for (const end = performance.now() + 20_000; ;) {
    try {
      return await act()
    } catch (error) {
      if (performance.now() > end) throw error
    }
    await new Promise(setImmediate)
  }
}
