import { z } from 'zod'
import { exactText, plainLine, toExactText, type ExactText } from '../bytes.ts'
import { changedPath, plainChange, toChangedPath } from '../diff-files.ts'
import { gitFailure } from '../failure.ts'
import { limit, repoPaths } from '../fields.ts'
import { emptyTree, readHead } from '../head.ts'
import { matchIgnoreRules } from '../ignore-rules.ts'
import { readChanges } from '../index-changes.ts'
import { keeping } from '../keeping.ts'
import { defineOperation } from '../operation.ts'
import { maxPathBytes } from '../path.ts'
import type { Git } from '../run-git.ts'

export const add = defineOperation({
  name: 'add',
  summary: 'Stage files as they are, deletions included.',
  effect: 'write',
  input: z.strictObject({
    paths: repoPaths,
    update: z.boolean().default(false).meta({ description: 'Whether to leave out files that git does not know yet.' }),
    force: z.boolean().default(false).meta({ description: 'Whether to stage ignored files as well.' }),
    limit: limit(1000, 1_000_000),
  }),
  output: z.strictObject({
    staged: z
      .array(z.strictObject(changedPath))
      .meta({ description: 'All that is now staged at these paths, compared with HEAD.' }),
    ignored: z
      .array(exactText)
      .meta({ description: 'Paths of the request that were left out because git ignores them.' }),
    truncated: z.boolean(),
  }),
  example: { paths: ['notes.txt'] },
  exampleAfter: [{ operation: 'write-file', input: { path: 'notes.txt', content: 'Read me first\n' } }],
  isPure: false,
  needs: () => ({ history: 1, trees: 'tip', blobs: 'none', worktree: 'cone', refs: 'asked' }),
  async run(git, { paths, update, force, limit }, { signal }) {
    // Files outside of a sparse cone were written on purpose; without --sparse git would leave them out.
    const flags = [update ? '--update' : '--all', '--sparse', '--no-ignore-errors', '--no-warn-embedded-repo']
    const request = { flags: force ? [...flags, '--force'] : flags, paths, signal }
    // Exit code 1 means that everything was staged but what is ignored.
    const { exitCode, stderr } = await git('add', { ...request, okExitCodes: [0, 1] })
    const ignored = exitCode === 0 ? [] : await ignoredOf(git, paths, signal)
    if (exitCode !== 0 && ignored.length === 0) throw gitFailure({ subcommand: 'add', exitCode, stderr })
    const { commit } = await readHead(git, { signal })
    const from = commit ?? (await emptyTree(git, { signal }))
    const staged = await readChanges(git, { from, to: 'index', paths, signal }, async (records) => {
      const found = []
      const keep = keeping('staged files', limit + 1)
      for await (const record of records) {
        keep(record.path.length)
        found.push(toChangedPath(record))
        if (found.length > limit) break
      }
      return found
    })
    return { staged: staged.slice(0, limit), ignored, truncated: staged.length > limit }
  },
  plain: ({ staged, ignored }) =>
    [...staged.map(plainChange), ...ignored.map((path) => `!\t${plainLine(path)}`)].map((line) => `${line}\n`).join(''),
})

/** Which of these paths git ignores and does not know all the same. */
async function ignoredOf(git: Git, paths: readonly ExactText[], signal: AbortSignal): Promise<ExactText[]> {
  const matched = await matchIgnoreRules(git, paths, { signal })
  if (matched.length === 0) return []
  const request = { flags: ['-z'], paths: matched.map(toExactText), signal }
  const keyOf = (path: Buffer) => path.toString('latin1').replace(/\/$/, '')
  const unknown = new Set(matched.map(keyOf))
  await git.read('ls-files', request, async (reader) => {
    for (let name = await reader.until(0); name !== null; name = await reader.until(0)) {
      const known = name.toString('latin1')
      // A path of the request is not longer than this, nor are those above it.
      for (let end = known.length; end > 0; end = known.lastIndexOf('/', end - 1))
        if (end <= maxPathBytes) unknown.delete(known.slice(0, end))
    }
  })
  return matched.filter((path) => unknown.has(keyOf(path))).map(toExactText)
}
