import type { ByteReader } from '../git/byte-reader.ts'
import type { Git } from '../git/run-git.ts'

const newline = 0x0a

/**
 * Whether fewer than `generations` generations, counted from these commits, lie between them and where the history was cut
 * off: git would take the commits there for first ones, and answer accordingly.
 */
export async function isCutWithin(
  git: Git,
  { commits, generations, cut }: { commits: readonly string[]; generations: number; cut: ReadonlySet<string> },
  { signal }: { signal: AbortSignal },
): Promise<boolean> {
  const flags = ['--topo-order', '--parents', '--stdin']
  const stdin = commits.map((oid) => `${oid}\n`).join('')
  return git.read('rev-list', { flags, stdin, signal }, (reader) => meets(reader, { commits, generations, cut }))
}

/** Reads commits, children first, and counts from the nearest of those it begins with. */
async function meets(
  reader: ByteReader,
  { commits, generations, cut }: { commits: readonly string[]; generations: number; cut: ReadonlySet<string> },
): Promise<boolean> {
  const nearest = new Map(commits.map((oid) => [oid, 1]))
  for (let line = await reader.until(newline); line !== null; line = await reader.until(newline)) {
    const [oid = '', ...parents] = line.toString('latin1').split(' ')
    const generation = nearest.get(oid) ?? Infinity
    nearest.delete(oid)
    if (generation >= generations) continue
    if (cut.has(oid)) return true
    for (const parent of parents) nearest.set(parent, Math.min(nearest.get(parent) ?? Infinity, generation + 1))
  }
  return false
}
