import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { z } from 'zod'
import { hasCode, type ErrorCode } from '../../src/core/errors.ts'
import type { Operation } from '../../src/git/operation.ts'
import { bindGit, type Git } from '../../src/git/run-git.ts'
import { hostExec } from './host-exec.ts'
import { runOperation, scratchDir } from './operation-run.ts'
import { hermeticEnv, hermeticGit, makeBuilt, type Repository } from './repository.ts'
import { filesOf } from './workspace-run.ts'

/** Two equal repositories: an operation runs in one, plain git in the other, and then they have to be equal again. */
export interface Twins {
  /** Where operations run. */
  readonly ours: Repository
  /** Where plain git runs. */
  readonly plain: Repository
  run<Input extends z.ZodObject, Output extends z.ZodType>(
    operation: Operation<Input, Output>,
    input: z.input<Input>,
  ): Promise<z.output<Output>>
  /** Runs plain git, whatever its exit code. */
  git(...args: readonly string[]): Promise<void>
  /** Does the same to both, by hand. */
  both(change: (repository: Repository) => Promise<unknown>): Promise<void>
  /** Compares refs, HEAD, index, files with their modes, status and what is under way. */
  expectEqual(): Promise<void>
}

const states = ['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'SQUASH_MSG', 'rebase-merge', 'sequencer']
const anyExit = Array.from({ length: 256 }, (_, code) => code)

/** Whether an error has this code and tells exactly these paths. */
export function tellsPaths(code: ErrorCode, paths: readonly string[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(hasCode(error, code))
    assert.deepEqual(error.details['paths'], paths)
    return true
  }
}

/** Git as in a workspace, but always at the same moment and by the same people, so that ids can be compared. */
export function fixedGit(dir: string): Git {
  return bindGit(hostExec(dir), {
    env: { ...hermeticEnv, LC_ALL: 'C' },
    deadlineMs: 20_000,
    maxOutputBytes: 16 * 1024 * 1024,
    correlationId: 'test',
  })
}

/** Builds a repository, checks it out and copies it. */
export async function makeTwins(
  t: Pick<TestContext, 'after'>,
  build: (repository: Repository) => Promise<unknown>,
  options: { objectFormat?: 'sha1' | 'sha256' } = {},
): Promise<Twins> {
  const root = await scratchDir(t)
  const make = async (name: string): Promise<Repository> => {
    const { repository } = await makeBuilt(join(root, name), options, build)
    await repository.checkout()
    return repository
  }
  const [ours, plain] = [await make('ours'), await make('plain')]
  const config = ['-c', 'commit.cleanup=scissors', '-c', 'advice.detachedHead=false']
  return {
    ours,
    plain,
    run: (operation, input) => runOperation(operation, ours.dir, input, { git: fixedGit(ours.dir) }),
    async git(...args) {
      await plain.gitBytes([...config, ...args], { okExitCodes: anyExit, env: { GIT_EDITOR: ':' } })
    },
    async both(change) {
      await change(ours)
      await change(plain)
    },
    async expectEqual() {
      assert.deepEqual(await stateOf(ours.dir), await stateOf(plain.dir))
    },
  }
}

/** Everything of a repository that an operation may change. */
export async function stateOf(dir: string): Promise<Record<string, unknown>> {
  const read = async (...args: readonly string[]) =>
    (await hermeticGit(dir, args, { okExitCodes: [0, 1] })).toString('latin1')
  return {
    head: await readFile(join(dir, '.git/HEAD'), 'utf8'),
    refs: await read('for-each-ref', '--format=%(refname) %(objectname) %(upstream)'),
    index: await read('ls-files', '--stage', '-z'),
    // With what HEAD is. Renames would be looked for in contents, which a partial copy may lack.
    status: await read('status', '--porcelain=v2', '-z', '--untracked-files=all', '--branch', '--no-renames'),
    underWay: (await readdir(join(dir, '.git'))).filter((name) => states.includes(name)).toSorted(),
    files: await filesOf(dir),
  }
}
