import { z } from 'zod'
import { AppError } from '../../core/errors.ts'
import { treeBlobs } from '../blobs.ts'
import { exactBytes, exactText, plainLine, toExactText, type ExactText } from '../bytes.ts'
import { limit, oid, repoPath, revisionOrRef } from '../fields.ts'
import { keeping } from '../keeping.ts'
import { defineOperation } from '../operation.ts'
import { resolved } from '../revision.ts'
import { kindOfMode, readTree, treeFlags } from '../tree-records.ts'

export const listFiles = defineOperation({
  name: 'list-files',
  summary: 'List the files of a commit.',
  effect: 'read',
  input: z.strictObject({
    revision: revisionOrRef,
    path: repoPath.nullable().default(null).meta({ description: 'A directory to list, or one file.' }),
    recursive: z
      .boolean()
      .default(true)
      .meta({ description: 'Whether to list directories within; if not, they are entries.' }),
    sizes: z
      .boolean()
      .default(false)
      .meta({ description: 'Whether to answer sizes, which needs the contents to be fetched.' }),
    limit: limit(1000, 1_000_000),
  }),
  output: z.strictObject({
    entries: z.array(
      z.strictObject({
        path: exactText,
        kind: z.enum(['file', 'executable', 'symlink', 'submodule', 'directory']),
        mode: z.string(),
        oid,
        size: z.int().nullable(),
      }),
    ),
    truncated: z.boolean(),
  }),
  example: { recursive: false },
  isPure: true,
  needs: ({ sizes }) => ({
    history: 1,
    trees: 'tip',
    blobs: sizes ? 'paths' : 'none',
    worktree: 'none',
    refs: 'asked',
  }),
  blobs: (git, { revision, path, recursive }, { signal }) =>
    treeBlobs(git, { commit: resolved(revision), paths: path === null ? [] : itselfOrInside(path), recursive, signal }),
  async run(git, input, { signal }) {
    const flags = [...treeFlags, ...(input.recursive ? ['-r'] : []), ...(input.sizes ? ['--long'] : [])]
    const paths = input.path === null ? [] : itselfOrInside(input.path)
    const request = { flags, revisions: [resolved(input.revision)], paths, commitsOnly: true, signal }
    const entries = await git.read('ls-tree', request, async (reader) => {
      const found = []
      const keep = keeping('files', input.limit + 1)
      for await (const { path, mode, oid, size } of readTree(reader)) {
        keep(path.length)
        found.push({ path: toExactText(path), kind: kindOfMode(mode), mode, oid, size })
        if (found.length > input.limit) break
      }
      return found
    })
    if (entries.length === 0 && input.path !== null) {
      throw new AppError('path_not_found', 'Cannot list files: the path does not exist there', {
        details: { path: input.path },
      })
    }
    return { entries: entries.slice(0, input.limit), truncated: entries.length > input.limit }
  },
  plain: ({ entries }) =>
    entries.map(({ path, kind }) => `${plainLine(path)}${kind === 'directory' ? '/' : ''}\n`).join(''),
})

// A file matches its name; a directory is entered only under its name with a slash.
function itselfOrInside(path: ExactText): readonly ExactText[] {
  const bytes = exactBytes(path)
  const directory = bytes.at(-1) === 0x2f ? bytes : Buffer.concat([bytes, Buffer.from('/')])
  return [toExactText(directory.subarray(0, -1)), toExactText(directory)]
}
