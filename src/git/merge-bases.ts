import { keeping } from './keeping.ts'
import { mergeContents } from './merge-contents.ts'
import type { Git } from './run-git.ts'

interface Heads {
  readonly ours: string
  readonly theirs: string
  readonly signal: AbortSignal
}

// Histories that cross more often are not listed to the end; git then names what it lacks.
const maxMerges = 64

/** Every best common ancestor of two commits; empty where their histories never met. */
export async function readMergeBases(git: Git, { ours, theirs, signal }: Heads): Promise<readonly string[]> {
  const request = { flags: ['--all'], revisions: [ours, theirs], commitsOnly: true, signal }
  // Exit code 1 means "unrelated histories".
  const { text } = await git('merge-base', { ...request, okExitCodes: [0, 1] })
  return text.split('\n').filter((line) => line !== '')
}

/** Ids of the contents that merging two commits can read; several bases are themselves merged first, as git does. */
export async function mergeHistoriesContents(git: Git, { ours, theirs, signal }: Heads): Promise<ReadonlySet<string>> {
  const ids = new Set<string>()
  const keep = keeping('contents to merge')
  const queue: (readonly [ours: string, theirs: string])[] = [[ours, theirs]]
  const seen = new Set<string>()
  for (let pair = queue.shift(); pair !== undefined; pair = queue.shift()) {
    const [one, two] = pair
    if (seen.has(`${one} ${two}`) || seen.size >= maxMerges) continue
    seen.add(`${one} ${two}`)
    const bases = await readMergeBases(git, { ours: one, theirs: two, signal })
    const steps = (to: string) => bases.map((from) => ({ from, to }))
    for (const id of await mergeContents(git, { ours: steps(one), theirs: steps(two), signal })) {
      if (!ids.has(id)) keep(id.length)
      ids.add(id)
    }
    queue.push(...pairsOf(bases))
  }
  return ids
}

/** Every two of them, as far as they are merged at all: bases can be many, and their pairs the square of that. */
function pairsOf(bases: readonly string[]): readonly (readonly [ours: string, theirs: string])[] {
  const pairs: (readonly [string, string])[] = []
  for (const [index, base] of bases.entries()) {
    for (let next = index + 1; next < bases.length && pairs.length < maxMerges; next++)
      pairs.push([base, bases[next] ?? ''])
  }
  return pairs
}
