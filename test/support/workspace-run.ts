import { writeFileSync } from 'node:fs'
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { z } from 'zod'
import type { Operation } from '../../src/git/operation.ts'
import { bindGit, type Git } from '../../src/git/run-git.ts'
import { templateGitconfig } from '../../src/workspace/template.ts'
import { hostExec } from './host-exec.ts'
import { runOperation, scratchDir } from './operation-run.ts'
import type { Repository } from './repository.ts'
import { makeRichRepository, type RichRepository } from './rich-repository.ts'

/** Git as operations get it in a workspace: with the template's configuration, and hooks switched off. */
export function workspaceGit(dir: string): Git {
  const gitconfig = join(dir, '.git/forkyard-test-gitconfig')
  writeFileSync(gitconfig, templateGitconfig)
  return bindGit(hostExec(dir), {
    env: { GIT_CONFIG_SYSTEM: gitconfig, GIT_CONFIG_GLOBAL: '/dev/null' },
    // The hook exists in sandboxes only.
    config: { 'core.hooksPath': '/dev/null', 'core.fsmonitor': 'false' },
    deadlineMs: 20_000,
    maxOutputBytes: 16 * 1024 * 1024,
    correlationId: 'test',
  })
}

/** Runs an operation on a repository of the host as the engine would in a workspace. */
export function runInWorkspace<Input extends z.ZodObject, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
  dir: string,
  input: z.input<Input>,
): Promise<z.output<Output>> {
  return runOperation(operation, dir, input, { git: workspaceGit(dir) })
}

const date = '2024-01-01T00:00:00Z'

/** The author and committer that plain git has in tests. */
export const people = {
  author: { name: 'Ada Lovelace', email: 'ada@example.com', date },
  committer: { name: 'Grace Hopper', email: 'grace@example.com', date },
}

export interface Twins {
  /** Where the operation runs. */
  readonly ours: RichRepository
  /** The same once more, for plain git. */
  readonly theirs: RichRepository
  /** Does the same to both. */
  readonly both: (change: (repository: RichRepository) => Promise<unknown>) => Promise<void>
}

/** Two equal checked-out repositories with everything an operation can meet. */
export async function makeTwins(
  t: Pick<TestContext, 'after'>,
  options: { objectFormat?: 'sha1' | 'sha256' } = {},
): Promise<Twins> {
  const root = await scratchDir(t)
  const make = async (name: string): Promise<RichRepository> => {
    const repository = await makeRichRepository(join(root, name), options)
    await repository.checkout()
    return repository
  }
  const [ours, theirs] = await Promise.all([make('ours'), make('theirs')])
  return {
    ours,
    theirs,
    async both(change) {
      await Promise.all([change(ours), change(theirs)])
    },
  }
}

/** Everything of a working copy that an operation may change: refs, index, status, files with modes. */
export async function stateOf({ dir, git, gitBytes }: Repository): Promise<Record<string, unknown>> {
  const [head, refs, index, status] = await Promise.all([
    readFile(join(dir, '.git/HEAD'), 'utf8'),
    git(['for-each-ref', '--format=%(refname) %(objectname)']),
    gitBytes(['ls-files', '--stage', '-z']),
    gitBytes(['status', '--porcelain=v2', '-z', '--branch', '--untracked-files=all', '--ignored']),
  ])
  const kept = refs.split('\n').filter((line) => !line.startsWith('refs/stash '))
  return {
    head,
    refs: kept,
    index: index.toString('latin1'),
    status: status.toString('latin1'),
    files: await filesOf(dir),
  }
}

/** The files below a directory but git's own: mode and content, by path. */
export async function filesOf(dir: string): Promise<Readonly<Record<string, string>>> {
  const found: [string, string][] = []
  const walk = async (below: Buffer): Promise<void> => {
    for (const name of await readdir(Buffer.concat([Buffer.from(`${dir}/`), below]), { encoding: 'buffer' })) {
      const path = below.length === 0 ? name : Buffer.concat([below, Buffer.from('/'), name])
      if (path.equals(Buffer.from('.git'))) continue
      const at = Buffer.concat([Buffer.from(`${dir}/`), path])
      const { mode } = await lstat(at)
      const kind = (mode & 0o170000).toString(8)
      if (kind === '40000') {
        await walk(path)
        continue
      }
      const content = kind === '120000' ? await readlink(at, 'buffer') : await readFile(at)
      found.push([path.toString('latin1'), `${mode.toString(8)} ${content.toString('latin1')}`])
    }
  }
  await walk(Buffer.alloc(0))
  return Object.fromEntries(found.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Leaves a merge under way on main; with contents other than those of main, in conflict. */
export async function beginMerge({ git, first, commit }: RichRepository, content: string): Promise<void> {
  await git(['checkout', '--quiet', '--force', 'main'])
  await commit({ branch: 'other', parents: [first], files: { 'README.md': content }, date: '2024-06-01T00:00:00Z' })
  await git(['merge', '--quiet', '--no-commit', 'other'], { okExitCodes: [0, 1] })
}
