import { z } from 'zod'
import { AppError } from '../../core/errors.ts'
import { exactText, plainLine, toExactText } from '../bytes.ts'
import { givenPaths, limit, revisionOrNone } from '../fields.ts'
import { commitAt } from '../head.ts'
import { blobsToCheckOut, readChanges } from '../index-changes.ts'
import { keeping } from '../keeping.ts'
import { defineOperation } from '../operation.ts'
import { resolved } from '../revision.ts'
import type { Git } from '../run-git.ts'

const input = z.strictObject({
  paths: givenPaths,
  from: revisionOrNone.meta({
    kind: 'revision',
    isOptional: true,
    description: 'The commit to take them from; by default HEAD where the index is restored, else the index.',
  }),
  staged: z.boolean().default(false).meta({ description: 'Whether to restore the index.' }),
  worktree: z.boolean().default(true).meta({ description: 'Whether to restore the files: their changes are lost.' }),
  limit: limit(1000, 1_000_000),
})
type Input = z.output<typeof input>

const restored = z.strictObject({
  path: exactText,
  staged: z.boolean().meta({ description: 'Whether it was changed in the index.' }),
  worktree: z.boolean().meta({ description: 'Whether its file was changed.' }),
})
type Restored = z.output<typeof restored>

export const restore = defineOperation({
  name: 'restore',
  summary: 'Make files, what is staged, or both as they are in a commit or in the index.',
  effect: 'write',
  input,
  output: z.strictObject({
    restored: z.array(restored).meta({ description: 'What was not as it is now.' }),
    truncated: z.boolean(),
  }),
  example: { paths: ['README.md'] },
  exampleAfter: [{ operation: 'write-file', input: { path: 'README.md', content: 'Changed\n' } }],
  isPure: false,
  needs: ({ worktree }) => ({
    history: 1,
    trees: 'tip',
    blobs: worktree ? 'paths' : 'none',
    worktree: 'cone',
    refs: 'asked',
  }),
  async blobs(git, input, { signal }) {
    if (!input.worktree) return []
    return blobsToCheckOut(git, { from: await source(git, input, signal), paths: input.paths, signal })
  },
  async run(git, input, { signal }) {
    const { paths, staged, worktree, limit } = input
    if (!staged && !worktree)
      throw new AppError('input_invalid', 'Cannot run restore: neither index nor files are asked')
    const from = await source(git, input, signal)
    const changed = new Map<string, Restored>()
    if (staged) await collect(git, { ...input, from, to: 'index', signal }, changed)
    if (worktree) await collect(git, { ...input, from, to: 'files', signal }, changed)
    const flags = [
      '--quiet',
      ...(from === null ? [] : [`--source=${from}`]),
      ...(staged ? ['--staged'] : []),
      ...(worktree ? ['--worktree'] : []),
    ]
    await git('restore', { flags, paths, signal })
    return { restored: [...changed.values()].slice(0, limit), truncated: changed.size > limit }
  },
  plain: ({ restored }) => restored.map(({ path }) => `${plainLine(path)}\n`).join(''),
})

/** The commit that paths are taken from; `null` for the index. */
async function source(git: Git, { from, staged }: Input, signal: AbortSignal): Promise<string | null> {
  if (from !== null) return resolved(from)
  if (!staged) return null
  const head = await commitAt(git, 'HEAD', { signal })
  if (head === null) throw new AppError('repo_empty', 'Cannot restore the index: there is no commit yet')
  return head
}

type Comparison = Parameters<typeof readChanges>[1] & Pick<Input, 'limit'>

/** Adds what differs on one side, up to one path more than the answer may hold. */
async function collect(git: Git, comparison: Comparison, changed: Map<string, Restored>): Promise<void> {
  const side = comparison.to === 'index' ? 'staged' : 'worktree'
  const keep = keeping('changed files', comparison.limit + 1)
  await readChanges(git, comparison, async (records) => {
    for await (const { path } of records) {
      const key = path.toString('latin1')
      const known = changed.get(key)
      if (known === undefined && changed.size > comparison.limit) continue
      keep(path.length)
      changed.set(key, { path: toExactText(path), staged: false, worktree: false, ...known, [side]: true })
    }
  })
}
