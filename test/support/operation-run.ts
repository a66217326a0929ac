import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { z } from 'zod'
import type { Command } from '../../src/core/exec.ts'
import { namesCommit } from '../../src/git/fields.ts'
import { exactBytes } from '../../src/git/bytes.ts'
import type { Operation, OperationContext, WorktreeFiles } from '../../src/git/operation.ts'
import type { Ref } from '../../src/git/ref.ts'
import { parseInput } from '../../src/git/parse-input.ts'
import { bindGit, type Git } from '../../src/git/run-git.ts'
import { hostExec } from './host-exec.ts'
import { hermeticGit } from './repository.ts'
import { scratchPlace } from './scratch-place.ts'

/** A directory of its own for a test, removed afterwards. */
export async function scratchDir(t: Pick<TestContext, 'after'>): Promise<string> {
  const dir = await mkdtemp(join(scratchPlace, 'forkyard-test-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}

/** Git as operations get it, on a repository of the host and away from the host's configuration. */
export function gitAt(
  dir: string,
  options: { isBare?: boolean; deadlineMs?: number; onCommand?: (command: Command) => void } = {},
): Git {
  return bindGit(hostExec(dir, options), {
    ...(options.isBare ? { gitDir: '/workspace' } : {}),
    env: { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' },
    deadlineMs: options.deadlineMs ?? 20_000,
    maxOutputBytes: 16 * 1024 * 1024,
    correlationId: 'test',
  })
}

/** Input as the engine hands it to an operation: parsed, with every revision resolved to a full commit id. */
export async function resolveInput<Input extends z.ZodObject>(
  operation: { readonly name: string; readonly input: Input },
  input: z.input<Input>,
  { dir, ref = 'HEAD' }: { dir: string; ref?: string },
): Promise<z.output<Input>> {
  const parsed: Record<string, unknown> = { ...parseInput(operation, input) }
  for (const [name, field] of Object.entries(operation.input.shape)) {
    if (!namesCommit(field as z.ZodType, parsed[name])) continue
    const text = `${(parsed[name] as string | null) ?? ref}^{commit}`
    parsed[name] = (await hermeticGit(dir, ['rev-parse', '--verify', text])).toString().trim()
  }
  return parsed as z.output<Input>
}

/** The refs of a repository, as a remote would list them. */
export async function refsOf(dir: string, prefix: string): Promise<readonly Ref[]> {
  const format = '%(refname) %(objectname) %(*objectname) '
  const lines = (await hermeticGit(dir, ['for-each-ref', `--format=${format}`])).toString().split('\n').slice(0, -1)
  const refs = lines.map((line) => {
    const [name = '', oid = '', peeled = ''] = line.split(' ')
    return { name, oid, peeled: peeled === '' ? oid : peeled, symref: null }
  })
  const target = (await hermeticGit(dir, ['symbolic-ref', 'HEAD'])).toString().trim()
  const head = refs.find(({ name }) => name === target)
  const all = head === undefined ? refs : [{ ...head, name: 'HEAD', symref: target }, ...refs]
  return all.filter(({ name }) => name.startsWith(prefix))
}

/** The files of a worktree of the host, written plainly: how links are refused is the sandbox's side to show. */
export function hostFiles(dir: string): WorktreeFiles {
  return {
    async write(path, content, { isExecutable }) {
      const file = Buffer.concat([Buffer.from(`${dir}/`), exactBytes(path)])
      const known = await stat(file).catch(() => null)
      await mkdir(file.subarray(0, file.lastIndexOf(0x2f)), { recursive: true })
      await writeFile(file, content)
      if (isExecutable !== null) await chmod(file, isExecutable ? 0o755 : 0o644)
      return { existed: known !== null }
    },
  }
}

/** Where nothing is asked of an upstream. */
export const noUpstream: OperationContext['upstream'] = {
  fetch: () => Promise.reject(new Error('there is no upstream')),
  bring: () => Promise.reject(new Error('there is no upstream')),
  push: () => Promise.reject(new Error('there is no upstream')),
}

/** Runs an operation as the engine would and checks that the answer fits the declared output. */
export async function runOperation<Input extends z.ZodObject, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
  dir: string,
  input: z.input<Input>,
  options: { git?: Git; ref?: string; signal?: AbortSignal; resolveIn?: string; files?: WorktreeFiles } = {},
): Promise<z.output<Output>> {
  const { git = gitAt(dir), ref = 'HEAD', signal = new AbortController().signal, resolveIn = dir } = options
  const { files = hostFiles(dir) } = options
  const context: OperationContext = { signal, refs: (prefix) => refsOf(resolveIn, prefix), files, upstream: noUpstream }
  const value = await operation.run(git, await resolveInput(operation, input, { dir: resolveIn, ref }), context)
  return operation.output.parse(value)
}
