import { z } from 'zod'
import { treeBlobs } from '../blobs.ts'
import { exactText, plainLine, toExactText } from '../bytes.ts'
import { limit, maxBytes, repoPaths, revisionOrRef } from '../fields.ts'
import { readGrep } from '../grep-records.ts'
import { keeping } from '../keeping.ts'
import { defineListing } from '../operation.ts'
import { resolved } from '../revision.ts'

const line = z.strictObject({
  path: exactText,
  line: z.int(),
  column: z.int().nullable().meta({ description: 'Byte where the match begins, from 1; null for a line of context.' }),
  text: exactText,
})

export const grep = defineListing({
  name: 'grep',
  summary: 'Find lines that match a pattern in the text files of a commit.',
  effect: 'read',
  input: z.strictObject({
    // A match lies within one line, so a pattern with a newline could never match as meant.
    pattern: z
      .string()
      .min(1)
      .max(10_000)
      .regex(/^[^\0\n]*$/, 'must be one line without NUL')
      .meta({ description: 'What to find, within one line.' }),
    revision: revisionOrRef,
    paths: repoPaths,
    syntax: z.enum(['fixed', 'extended', 'perl']).default('extended').meta({ description: 'How the pattern is read.' }),
    ignoreCase: z.boolean().default(false).meta({ description: 'Whether capitals do not matter.' }),
    wholeWords: z.boolean().default(false).meta({ description: 'Whether a match must end where words do.' }),
    contextLines: z.int().min(0).max(100).default(0).meta({ description: 'Lines around each match.' }),
    limit: limit(1000, 100_000).meta({ kind: 'limit', description: 'Most matching lines in the answer.' }),
    maxBytes: maxBytes(),
  }),
  output: z.strictObject({
    lines: z.array(line),
    matches: z.int().meta({ description: 'Matching lines in the answer.' }),
    truncated: z.boolean(),
  }),
  example: { pattern: 'TODO' },
  isPure: true,
  needs: ({ paths }) => ({
    history: 1,
    trees: 'tip',
    blobs: paths.length > 0 ? 'paths' : 'tip',
    worktree: 'none',
    refs: 'asked',
  }),
  blobs: (git, { revision, paths }, { signal }) =>
    treeBlobs(git, { commit: resolved(revision), paths, recursive: true, signal }),
  items: {
    list: 'lines',
    async each(git, input, { signal }, give) {
      const commit = resolved(input.revision)
      const flags = [
        ...[
          '-z',
          '--line-number',
          '--column',
          '--full-name',
          '-I',
          '--no-color',
          '--no-textconv',
          '--no-recurse-submodules',
        ],
        { fixed: '--fixed-strings', extended: '--extended-regexp', perl: '--perl-regexp' }[input.syntax],
        ...(input.ignoreCase ? ['--ignore-case'] : []),
        ...(input.wholeWords ? ['--word-regexp'] : []),
        ...(input.contextLines > 0 ? [`--context=${input.contextLines}`] : []),
        // Glued to its letter, so that no pattern is ever taken for a flag.
        `-e${input.pattern}`,
      ]
      // Exit code 1 means "no match": an answer, not a failure.
      const request = { flags, revisions: [commit], paths: input.paths, okExitCodes: [0, 1], commitsOnly: true, signal }
      return git.read('grep', request, async (reader) => {
        let [matches, bytes] = [0, 0]
        const keep = keeping('names of files', Infinity)
        for await (const { path, line, column, text } of readGrep(reader, commit)) {
          bytes += text.length + 1
          if (bytes > input.maxBytes || (column !== null && matches === input.limit))
            return { matches, truncated: true }
          if (column !== null) matches++
          keep(path.length)
          await give({ path: toExactText(path), line, column, text: toExactText(text) })
        }
        return { matches, truncated: false }
      })
    },
  },
  plain: ({ lines }) =>
    lines
      .map(({ path, line, column, text }) => {
        const mark = column === null ? '-' : ':'
        return `${plainLine(path)}${mark}${line}${mark}${plainLine(text)}\n`
      })
      .join(''),
})
