import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Engine, Workspace } from '../src/engine/contract.ts'
import type { PresetName } from './generate/generate.ts'
import { withComposed } from './measure/composed.ts'
import { withGround } from './measure/ground.ts'
import { completeOptions, type BenchOptions } from './measure/options.ts'
import { timeProcess } from './measure/process.ts'
import { comparisonHead, comparisonRows, saveResults, textTable } from './measure/report.ts'
import { withScratch } from './measure/scratch.ts'
import { measureInTurns, type Side } from './measure/sides.ts'

const TRIES = 10
const CHANGED_FILES = 10

/** An agent's best of n: open, fork ten, change each, compare each, keep one; and one fork of a workspace at work. */
export async function run(options: BenchOptions): Promise<void> {
  const complete = completeOptions(options, { rounds: 5 })
  const { print, rounds, signal } = complete
  const names: readonly PresetName[] = ['files-1k', 'files-20k', 'files-80k']
  const results: Record<string, unknown> = {}
  await withGround(names, complete, (ground) =>
    withScratch((scratch) =>
      withComposed({ stateDir: join(scratch, 'state'), host: ground.host }, async ({ engine }) => {
        for (const name of names) {
          const repo = ground.url(name)
          await engine.warm({ repo }, { signal })
          const paths = await somePaths(engine, repo)
          const target = join(scratch, 'plain')
          const tries = await measureInTurns(
            [plainSide(repo, target, paths, signal), forkyardSide(engine, repo, paths)],
            { rounds, signal },
          )
          const workspace = await worked(engine, repo, paths)
          const forks = await measureInTurns([forkSide(workspace)], { rounds: rounds * 8, signal })
          await workspace.close()
          results[name] = { tries, forks }
          await print(
            `${textTable([comparisonHead, ...comparisonRows(`${name}, best of ${TRIES}`, tries, 'clone, worktrees')])}\n`,
          )
          const title = `${name}, ${CHANGED_FILES} files changed`
          await print(`${textTable([comparisonHead, ...comparisonRows(title, forks, 'fork of a live workspace')])}\n`)
        }
      }),
    ),
  )
  await print(`samples: ${await saveResults('best-of-n', results)}\n`)
}

/** The files that are changed, evenly from the whole repository. */
async function somePaths(engine: Engine, repo: string): Promise<readonly string[]> {
  const { value } = await engine.run('list-files', { repo, limit: 1000 })
  const paths = (value as { entries: readonly { path: unknown }[] }).entries.map(({ path }) => path)
  const step = Math.floor(paths.length / CHANGED_FILES)
  return paths.filter((path, at): path is string => at % step === 0 && typeof path === 'string').slice(0, CHANGED_FILES)
}

async function worked(engine: Engine, repo: string, paths: readonly string[]): Promise<Workspace> {
  const workspace = await engine.open({ repo })
  for (const path of paths) await workspace.run('write-file', { path, content: 'changed\n' })
  return workspace
}

function forkSide(workspace: Workspace): Side {
  let forks: readonly Workspace[] = []
  return {
    name: 'fork of a live workspace',
    async run() {
      const startedAt = performance.now()
      forks = await workspace.fork()
      return { ms: performance.now() - startedAt, bytes: null }
    },
    async clean() {
      const parent = await statusOf(workspace)
      for (const fork of forks) {
        if ((await statusOf(fork)) !== parent) throw new Error('Cannot measure: a fork differs from its parent')
        await fork.close()
      }
    },
  }
}

async function statusOf(workspace: Workspace): Promise<string> {
  return JSON.stringify((await workspace.run('status')).value)
}

function forkyardSide(engine: Engine, repo: string, paths: readonly string[]): Side {
  return {
    name: 'forkyard, forks',
    async run() {
      const startedAt = performance.now()
      const workspace = await engine.open({ repo })
      const tries = await workspace.fork({ count: TRIES })
      for (const [at, each] of tries.entries()) {
        for (const path of paths) await each.run('write-file', { path, content: `try ${at}\n` })
        await each.run('add', {})
        await each.run('commit', { message: `Try ${at}` })
        const { value } = await each.run('diff', { from: 'HEAD~1', to: 'HEAD' })
        if ((value as { files: unknown[] }).files.length !== paths.length)
          throw new Error('Cannot measure: a diff is short')
      }
      const [kept, ...others] = tries
      await Promise.all([workspace, ...others].map((each) => each.close()))
      const ms = performance.now() - startedAt
      await kept?.close()
      return { ms, bytes: null }
    },
  }
}

/** The same with git alone: one shallow clone, and worktrees of it, which share its refs and trust each other. */
function plainSide(repo: string, target: string, paths: readonly string[], signal: AbortSignal): Side {
  const git = (cwd: string, ...args: readonly string[]): Promise<number> =>
    timeProcess(['git', ...args], { cwd, signal })
  const remove = (): Promise<void> => rm(target, { recursive: true, force: true })
  return {
    name: 'clone, worktrees',
    prepare: remove,
    async run() {
      const startedAt = performance.now()
      await mkdir(target, { recursive: true })
      await git(target, 'clone', '--quiet', '--depth=1', repo, 'main')
      const trees = Array.from({ length: TRIES }, (_, at) => join(target, `try-${at}`))
      for (const [at, tree] of trees.entries()) {
        await git(join(target, 'main'), 'worktree', 'add', '--quiet', '-b', `try-${at}`, tree)
        for (const path of paths) {
          await mkdir(dirname(join(tree, path)), { recursive: true })
          await writeFile(join(tree, path), `try ${at}\n`)
        }
        await git(tree, 'add', '--all')
        await git(tree, '-c', 'user.name=a', '-c', 'user.email=a@example.com', 'commit', '--quiet', '--message=Try')
        await git(tree, 'diff', '--raw', '--numstat', '--patch', 'HEAD~1', 'HEAD')
      }
      for (const tree of trees.slice(1)) await git(join(target, 'main'), 'worktree', 'remove', '--force', tree)
      return { ms: performance.now() - startedAt, bytes: null }
    },
    clean: remove,
  }
}
