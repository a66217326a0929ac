import { z } from 'zod'
import { escapeLine } from '../../core/escape.ts'
import { AppError, hasCode } from '../../core/errors.ts'
import { blameBlobs } from '../blame-blobs.ts'
import { readBlame, type BlameRecord } from '../blame-records.ts'
import { exactText, plainLine, toExactText } from '../bytes.ts'
import { shortOid } from '../commit-record.ts'
import { limit, maxBytes, oid, repoPath, revisionOrRef } from '../fields.ts'
import { missingPath } from '../missing-path.ts'
import { keeping } from '../keeping.ts'
import { defineOperation } from '../operation.ts'
import { resolved } from '../revision.ts'

const range = z.strictObject({
  startLine: z.int(),
  commit: oid,
  originalLine: z.int(),
  originalPath: exactText,
  author: z.strictObject({ name: z.string(), email: z.string(), date: z.string() }),
  summary: z.string(),
  boundary: z.boolean().meta({ description: 'Whether the line has been there since the first commit.' }),
  lines: z.array(exactText),
})
type Range = z.output<typeof range>

export const blame = defineOperation({
  name: 'blame',
  summary: 'Say which commit last changed each line of a file.',
  effect: 'read',
  input: z.strictObject({
    path: repoPath,
    revision: revisionOrRef,
    startLine: z.int().min(1).default(1).meta({ description: 'The first line, counted from 1.' }),
    endLine: z.int().min(1).nullable().default(null).meta({ description: 'The last line; null is that of the file.' }),
    ignoreWhitespace: z
      .boolean()
      .default(false)
      .meta({ description: 'Whether a change of white space alone does not count.' }),
    limit: limit(10_000, 1_000_000).meta({ kind: 'limit', description: 'Most lines in the answer.' }),
    maxBytes: maxBytes(),
  }),
  output: z.strictObject({
    path: exactText,
    ranges: z.array(range).meta({ description: 'Neighbouring lines of one commit together.' }),
    truncated: z.boolean(),
  }),
  example: { path: 'README.md' },
  isPure: true,
  needs: () => ({ history: 'full', trees: 'all', blobs: 'paths', worktree: 'none', refs: 'asked' }),
  blobs: (git, { path, revision }, { signal }) => blameBlobs(git, { commit: resolved(revision), path, signal }),
  async run(git, input, { signal }) {
    const { path, startLine, endLine } = input
    if (endLine !== null && endLine < startLine) {
      throw new AppError('input_invalid', 'Cannot run blame: endLine lies before startLine')
    }
    const flags = [
      ...['--porcelain', '--no-textconv', '--no-progress', '--ignore-revs-file='],
      ...(input.ignoreWhitespace ? ['-w'] : []),
      ...(startLine === 1 && endLine === null ? [] : [`-L${startLine},${endLine ?? ''}`]),
    ]
    const request = { flags, revisions: [resolved(input.revision)], paths: [path], commitsOnly: true, signal }
    const reading = git.read('blame', request, async (reader) => {
      const ranges: Range[] = []
      let [lines, bytes] = [0, 0]
      const keep = keeping('names and subjects', Infinity)
      for await (const record of readBlame(reader)) {
        lines++
        bytes += record.text.length + 1
        if (lines > input.limit || bytes > input.maxBytes) return { path, ranges, truncated: true }
        keep(record.summary.length + record.author.name.length + record.originalPath.length)
        append(ranges, record)
      }
      return { path, ranges, truncated: false }
    })
    return reading.catch(async (error: unknown) => {
      if (!hasCode(error, 'path_not_found')) throw error
      throw await missingPath(git, { commit: resolved(input.revision), path, signal, action: 'blame the file' })
    })
  },
  plain: ({ ranges }) =>
    ranges
      .flatMap(({ commit, author, startLine, lines }) => {
        const head = `${shortOid(commit)} (${escapeLine(author.name)} ${author.date.slice(0, 10)}`
        return lines.map((line, index) => `${head} ${startLine + index}) ${plainLine(line)}\n`)
      })
      .join(''),
})

function append(ranges: Range[], record: BlameRecord): void {
  const { commit, originalLine, line, originalPath, author, summary, boundary, text } = record
  const last = ranges.at(-1)
  const path = toExactText(originalPath)
  const isNext =
    last !== undefined &&
    last.commit === commit &&
    last.originalLine + last.lines.length === originalLine &&
    JSON.stringify(last.originalPath) === JSON.stringify(path)
  if (isNext) last.lines.push(toExactText(text))
  else {
    const lines = [toExactText(text)]
    ranges.push({ startLine: line, commit, originalLine, originalPath: path, author, summary, boundary, lines })
  }
}
