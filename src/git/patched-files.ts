import { z } from 'zod'
import { ByteReader } from './byte-reader.ts'
import { exactText, toExactText, type ExactText } from './bytes.ts'
import { keeping } from './keeping.ts'
import { parseNumstat, type NumstatRecord } from './raw-records.ts'
import { patchRejection } from './patch-rejection.ts'
import type { Git } from './run-git.ts'

const statusOf = { create: 'added', delete: 'deleted', rename: 'renamed', copy: 'copied' } as const

/** A file that a patch changes, by the words of the patch alone. */
export const patchedFile = z.strictObject({
  path: exactText,
  oldPath: exactText.nullable().meta({ description: 'Where a rename or copy comes from.' }),
  status: z.enum([...Object.values(statusOf), 'modified']),
  additions: z.int().nullable().meta({ description: 'null for a binary file.' }),
  deletions: z.int().nullable(),
})
export type PatchedFile = z.output<typeof patchedFile>

/** What a repository's configuration says about white space must not decide whether a patch fits. */
export const steadyApply: readonly string[] = ['--whitespace=nowarn', '--no-ignore-whitespace']

/** The files a patch would change, in its order; throws `patch_rejected` where it is no patch. */
export async function readPatchedFiles(
  git: Git,
  { patch, reverse, signal }: { patch: Buffer; reverse: boolean; signal: AbortSignal },
): Promise<readonly PatchedFile[]> {
  const list = async (flags: readonly string[], isReverse: boolean): Promise<Buffer> => {
    const all = [...steadyApply, '-z', '--numstat', ...flags, ...(isReverse ? ['--reverse'] : [])]
    const result = await git('apply', { flags: all, stdin: patch, okExitCodes: [0, 128], signal })
    if (result.exitCode !== 0) throw patchRejection(result, [])
    return result.stdout
  }
  // Git lists new names only; those of the reverse patch, which it lists from the last to the first, are the old ones.
  const [forth, back] = await Promise.all([list(['--summary'], reverse), list([], !reverse)])
  const now = await readStats(forth)
  const before = (await readStats(back)).stats.toReversed()
  let { summary } = now
  return now.stats.map(({ path, additions, deletions }, index) => {
    const oldPath = before[index]?.path ?? path
    const { status, line } = readSummary(summary, { from: oldPath.toString('latin1'), to: path.toString('latin1') })
    summary = summary.slice(line.length)
    const isMoved = status === 'renamed' || status === 'copied'
    return { path: toExactText(path), oldPath: isMoved ? toExactText(oldPath) : null, status, additions, deletions }
  })
}

/** Line counts, and the summary that follows them as text of single bytes. */
async function readStats(output: Buffer): Promise<{ stats: readonly NumstatRecord[]; summary: string }> {
  const reader = new ByteReader(whole(output))
  const stats: NumstatRecord[] = []
  const keep = keeping('files in the patch')
  for (let next = await reader.peek(); next !== null && next !== space; next = await reader.peek()) {
    // A patch can name nothing at all; elsewhere an empty name would announce two others.
    const line = (await reader.until(0)) ?? Buffer.alloc(0)
    keep(line.length)
    stats.push(parseNumstat(line))
  }
  return { stats, summary: (await reader.take(output.length)).toString('latin1') }
}

const space = 0x20

async function* whole(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes
}

/**
 * What the summary says first, if it speaks of this file. No name is read from it, as it does not quote them: the line
 * is foretold from names that are known, and a file of which nothing is said is modified.
 */
function readSummary(
  summary: string,
  { from, to }: { from: string; to: string },
): { status: PatchedFile['status']; line: string } {
  const isMoved = from !== to
  const foretold = isMoved
    ? `^ (rename|copy) ${literal(moved(from, to))} \\(\\d+%\\)\\n(?: mode change \\d+ => \\d+\\n)?`
    : `^ (?:(create|delete)(?: mode \\d+)?|mode change \\d+ => \\d+) ${literal(to)}\\n`
  const [line = '', verb] = new RegExp(foretold).exec(summary) ?? []
  return { status: statusOf[verb as keyof typeof statusOf] ?? (isMoved ? 'renamed' : 'modified'), line }
}

/** Both names with the directories they share said once. */
function moved(from: string, to: string): string {
  let at = 0
  while (at < from.length && from[at] === to[at]) at++
  const shared = from.slice(0, from.lastIndexOf('/', at - 1) + 1)
  return shared === '' ? `${from} => ${to}` : `${shared}{${from.slice(shared.length)} => ${to.slice(shared.length)}}`
}

function literal(text: string): string {
  return text.replace(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)
}

/** The old and new names of files. */
export function patchedPaths(files: readonly PatchedFile[]): readonly ExactText[] {
  return files.flatMap(({ path, oldPath }) => (oldPath === null ? [path] : [oldPath, path]))
}
