import { z } from 'zod'
import { escapeLine } from '../../core/escape.ts'
import { commitFields, commitFlags, readCommit, shortOid } from '../commit-record.ts'
import { changedPath, plainChange, toChangedPath, type ChangedPath } from '../diff-files.ts'
import { limit, repoPath, revisionOrRef } from '../fields.ts'
import { keeping } from '../keeping.ts'
import { defineListing } from '../operation.ts'
import { readRawRecord } from '../raw-records.ts'
import { resolved } from '../revision.ts'
import type { ByteReader } from '../byte-reader.ts'

const text = z
  .string()
  .min(1)
  .max(1000)
  .regex(/^[^\0\n]*$/)
  .nullable()
  .default(null)
const date = z.iso.datetime({ offset: true }).nullable().default(null)

export const log = defineListing({
  name: 'log',
  summary: 'List commits, the newest first.',
  effect: 'read',
  input: z.strictObject({
    revision: revisionOrRef,
    path: repoPath.nullable().default(null).meta({ description: 'Only commits that changed this file or directory.' }),
    limit: limit(20),
    skip: z.int().min(0).max(1_000_000).default(0).meta({ description: 'Commits to pass over first.' }),
    firstParent: z.boolean().default(false).meta({ description: 'Whether to follow only the first parent of merges.' }),
    files: z.boolean().default(false).meta({ description: 'Whether to answer the paths each commit changed.' }),
    author: text.meta({ description: 'Text in the name or email of the author.' }),
    message: text.meta({ description: 'Text in the message.' }),
    since: date.meta({ description: 'Only commits of this moment and later, ISO 8601 with an offset.' }),
    until: date.meta({ description: 'Only commits of this moment and before.' }),
  }),
  output: z.strictObject({
    commits: z.array(z.strictObject({ ...commitFields, files: z.array(z.strictObject(changedPath)).nullable() })),
    truncated: z.boolean().meta({ description: 'Whether older commits follow.' }),
  }),
  example: { limit: 3 },
  isPure: true,
  needs({ path, limit, skip, files, author, message, since, until }) {
    const isFiltered = [path, author, message, since, until].some((filter) => filter !== null)
    return {
      // One generation more than shown: the last commit's parents are then known, and whether more follow.
      history: isFiltered ? 'full' : skip + limit + 1,
      trees: path !== null || files ? 'all' : 'none',
      blobs: 'none',
      worktree: 'none',
      refs: 'asked',
    }
  },
  items: {
    list: 'commits',
    async each(git, input, { signal }, give) {
      const { author, message, since, until, path } = input
      const flags = [
        ...commitFlags,
        `--max-count=${input.limit + 1}`,
        `--skip=${input.skip}`,
        // Renames by id alone: no file content is read.
        ...(input.files ? ['--raw', '--no-abbrev', '-M100%', '--diff-merges=first-parent'] : ['--no-patch']),
        ...['--no-ext-diff', '--no-textconv', '--no-color', '--ignore-submodules=none', '--no-show-signature'],
        ...(input.firstParent ? ['--first-parent'] : []),
        ...(author === null && message === null ? [] : ['--fixed-strings', '--regexp-ignore-case', '--all-match']),
        ...(author === null ? [] : [`--author=${author}`]),
        ...(message === null ? [] : [`--grep=${message}`]),
        // A filter, not a stop: dates may run backwards.
        ...(since === null ? [] : [`--since-as-filter=${since}`]),
        ...(until === null ? [] : [`--until=${until}`]),
      ]
      const request = {
        flags,
        revisions: [resolved(input.revision)],
        paths: path === null ? [] : [path],
        commitsOnly: true,
        signal,
      }
      return git.read('log', request, async (reader) => {
        let count = 0
        const keep = keeping('commits and changed files')
        for (let commit = await readCommit(reader); commit !== null; commit = await readCommit(reader)) {
          keep(commit.subject.length + commit.body.length + commit.author.name.length + commit.committer.name.length)
          const files = input.files ? await readFiles(reader, keep) : null
          if (count++ < input.limit) await give({ ...commit, files })
        }
        return { truncated: count > input.limit }
      })
    },
  },
  plain({ commits }) {
    return commits
      .map(({ id, author, subject, files }) => {
        const line = `${shortOid(id)} ${author.date.slice(0, 10)} ${escapeLine(author.name)}  ${escapeLine(subject)}\n`
        return line + (files ?? []).map((file) => `  ${plainChange(file)}\n`).join('')
      })
      .join('')
  },
})

const newline = 0x0a

// Git puts a newline between a commit and its changes; where nothing changed, the next commit follows at once.
async function readFiles(reader: ByteReader, keep: (bytes: number) => void): Promise<ChangedPath[]> {
  const files: ChangedPath[] = []
  if ((await reader.peek()) === newline) await reader.skip(1)
  for (let record = await readRawRecord(reader); record !== null; record = await readRawRecord(reader)) {
    keep(record.path.length)
    files.push(toChangedPath(record))
  }
  return files
}
