import { z } from 'zod'
import { exactText, plainLine, toExactText, type ExactText } from '../bytes.ts'
import { limit, repoPaths } from '../fields.ts'
import { keeping } from '../keeping.ts'
import { defineOperation } from '../operation.ts'
import type { Git } from '../run-git.ts'

const input = z.strictObject({
  paths: repoPaths,
  directories: z
    .boolean()
    .default(true)
    .meta({ description: 'Whether to enter directories without known files; given paths are always entered.' }),
  ignored: z
    .enum(['no', 'also', 'only'])
    .default('no')
    .meta({ description: 'Whether ignored files go as well, or they alone.' }),
  dryRun: z.boolean().default(true).meta({
    description:
      'Whether to say only what would be removed; the default, as these files are in no commit to come back from.',
  }),
  limit: limit(1000, 1_000_000),
})
type Input = z.output<typeof input>

export const clean = defineOperation({
  name: 'clean',
  summary: 'Remove files that git does not know, or say which it would be.',
  effect: 'write',
  input,
  output: z.strictObject({
    dryRun: z.boolean(),
    removed: z.array(exactText).meta({ description: 'Every file, those in removed directories too.' }),
    truncated: z.boolean(),
  }),
  example: {},
  exampleAfter: [{ operation: 'write-file', input: { path: 'notes.txt', content: 'Read me first\n' } }],
  isPure: false,
  needs: () => ({ history: 1, trees: 'none', blobs: 'none', worktree: 'cone', refs: 'asked' }),
  async run(git, input, { signal }) {
    const { dryRun, limit } = input
    const found = new Map<string, ExactText>()
    const keep = keeping('unknown files', limit)
    let count = 0
    await eachUnknown(git, input, signal, (path) => {
      if (count++ >= limit) return
      keep(path.length)
      found.set(path.toString('latin1'), toExactText(path))
    })
    if (!dryRun) {
      await git('clean', { flags: cleanFlags(input), paths: input.paths, signal })
      // What is still there was not removed, whatever the reason.
      await eachUnknown(git, input, signal, (path) => void found.delete(path.toString('latin1')))
    }
    return { dryRun, removed: [...found.values()], truncated: count > limit }
  },
  plain: ({ dryRun, removed }) =>
    removed.map((path) => `${dryRun ? 'would remove' : 'removed'} ${plainLine(path)}\n`).join(''),
})

function cleanFlags({ directories, ignored }: Input): readonly string[] {
  return [
    '--force',
    '--quiet',
    ...(directories ? ['-d'] : []),
    ...(ignored === 'no' ? [] : [ignored === 'also' ? '-x' : '-X']),
  ]
}

/** Hands every file that `git clean` would remove to `use`. */
async function eachUnknown(
  git: Git,
  { paths, directories, ignored }: Input,
  signal: AbortSignal,
  use: (path: Buffer) => void,
): Promise<void> {
  const flags = [
    '--others',
    '-z',
    ...(ignored === 'also' ? [] : ['--exclude-standard']),
    ...(ignored === 'only' ? ['--ignored'] : []),
    ...(directories || paths.length > 0 ? [] : ['--directory']),
  ]
  await git.read('ls-files', { flags, paths, signal }, async (reader) => {
    for (let path = await reader.until(0); path !== null; path = await reader.until(0)) {
      // With a slash: a directory that is not entered, or a repository in it, which git clean leaves alone.
      if (path.at(-1) !== 0x2f) use(path)
    }
  })
}
