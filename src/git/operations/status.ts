import { z } from 'zod'
import { exactText, plainLine, toExactText } from '../bytes.ts'
import { limit, oid, repoPaths } from '../fields.ts'
import { keeping } from '../keeping.ts'
import { defineOperation } from '../operation.ts'
import { readStatus, type StatusRecord } from '../status-records.ts'

const entry = z.strictObject({
  path: exactText,
  oldPath: exactText.nullable(),
  kind: z.enum(['changed', 'renamed', 'unmerged', 'untracked', 'ignored']),
  index: z
    .string()
    .meta({ description: 'What is staged: one of MTADRCU, "." for nothing, "?" untracked, "!" ignored.' }),
  worktree: z.string().meta({ description: 'What is changed but not staged, in the same letters.' }),
  score: z.int().nullable(),
  headMode: z.string().nullable(),
  worktreeMode: z.string().nullable(),
  headOid: oid.nullable(),
  indexOid: oid.nullable(),
})

export const status = defineOperation({
  name: 'status',
  summary: 'Say what differs between the commit, the index and the files.',
  effect: 'read',
  input: z.strictObject({
    paths: repoPaths,
    untracked: z
      .enum(['no', 'normal', 'all'])
      .default('normal')
      .meta({ description: 'all names every file in new directories.' }),
    ignored: z.boolean().default(false).meta({ description: 'Whether to list ignored files as well.' }),
    limit: limit(1000, 1_000_000),
  }),
  output: z.strictObject({
    clean: z.boolean(),
    entries: z.array(entry),
    totals: z.strictObject({
      staged: z.int(),
      unstaged: z.int(),
      unmerged: z.int(),
      untracked: z.int(),
      ignored: z.int(),
    }),
    truncated: z.boolean(),
  }),
  example: {},
  isPure: false,
  needs: () => ({ history: 1, trees: 'tip', blobs: 'tip', worktree: 'full', refs: 'asked' }),
  async run(git, { paths, untracked, ignored, limit }, { signal }) {
    const flags = [
      ...['--porcelain=v2', '-z', '--no-ahead-behind', '--find-renames', '--ignore-submodules=all'],
      `--untracked-files=${untracked}`,
      `--ignored=${ignored ? 'traditional' : 'no'}`,
    ]
    const totals = { staged: 0, unstaged: 0, unmerged: 0, untracked: 0, ignored: 0 }
    const entries: z.output<typeof entry>[] = []
    const keep = keeping('changed files', limit)
    let count = 0
    await git.read('status', { flags, paths, signal }, async (reader) => {
      for await (const record of readStatus(reader)) {
        for (const total of totalsOf(record)) totals[total]++
        if (count++ >= limit) continue
        keep(record.path.length + (record.oldPath?.length ?? 0))
        entries.push(toEntry(record))
      }
    })
    return { clean: count === totals.ignored, entries, totals, truncated: count > limit }
  },
  plain: ({ entries }) =>
    entries
      .map(({ index, worktree, path, oldPath }) => {
        const letters = `${index}${worktree}`.replaceAll('.', ' ')
        return `${letters} ${oldPath === null ? '' : `${plainLine(oldPath)} -> `}${plainLine(path)}\n`
      })
      .join(''),
})

function totalsOf({ kind, index, worktree }: StatusRecord) {
  if (kind === 'untracked' || kind === 'ignored' || kind === 'unmerged') return [kind] as const
  const staged = index === '.' ? [] : (['staged'] as const)
  return worktree === '.' ? staged : [...staged, 'unstaged' as const]
}

function toEntry(record: StatusRecord): z.output<typeof entry> {
  const { path, oldPath } = record
  return { ...record, path: toExactText(path), oldPath: oldPath === null ? null : toExactText(oldPath) }
}
