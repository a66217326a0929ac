import { keeping } from './keeping.ts'
import { allContents, mergeContents, shownContents } from './merge-contents.ts'
import type { Git } from './run-git.ts'
import { pathKey, readSteps, type Step } from './steps.ts'

interface Rebase {
  readonly head: string
  readonly onto: string
  /** Commits reachable from it are left out. */
  readonly upstream: string
  readonly signal: AbortSignal
}

interface Commits {
  /** What is made anew: reachable from HEAD, not from upstream. */
  readonly picks: readonly Step[]
  /** What only upstream has: git leaves out picks that are there already. */
  readonly upstream: readonly Step[]
}

/** Ids of the contents that a rebase can read: those of the checkout, of every pick, and of what picks are compared with. */
export async function rebaseContents(git: Git, { head, onto, upstream, signal }: Rebase): Promise<ReadonlySet<string>> {
  const commits = await readCommits(git, { head, upstream, signal })
  const picked = new Set(commits.picks.map(({ to }) => to))
  const roots = new Set(commits.picks.filter(({ from }) => from === null).map(({ to }) => to))
  // What each pick meets is `onto` with the picks before it; one without a parent meets what has the same paths.
  const bases = new Set(commits.picks.map(({ from, to }) => from ?? to))
  const ours = [...bases].filter((base) => !picked.has(base) || roots.has(base)).map((from) => ({ from, to: onto }))
  const found = await Promise.all([
    shownContents(git, [{ from: head, to: onto }], { signal }),
    mergeContents(git, { ours, theirs: commits.picks, signal }),
    allContents(git, [...commits.picks, ...(await lookAlikes(git, commits, signal))], { signal }),
  ])
  return new Set(found.flatMap((ids) => [...ids]))
}

async function readCommits(
  git: Git,
  { head, upstream, signal }: Pick<Rebase, 'head' | 'upstream' | 'signal'>,
): Promise<Commits> {
  const request = {
    flags: ['--left-right', '--no-merges', '--parents'],
    operands: [`${upstream}...${head}`],
    commitsOnly: true,
    signal,
  }
  return git.read('rev-list', request, async (reader) => {
    const commits = { picks: [] as Step[], upstream: [] as Step[] }
    const keep = keeping('commits to go through')
    for (let line = await reader.until(0x0a); line !== null; line = await reader.until(0x0a)) {
      keep(line.length)
      const [to = '', from = null] = line.subarray(1).toString('latin1').split(' ')
      commits[line[0] === 0x3e ? 'picks' : 'upstream'].push({ from, to })
    }
    return commits
  })
}

/** The commits of upstream whose contents git compares with those of a pick: the ones that touch the same paths. */
async function lookAlikes(git: Git, { picks, upstream }: Commits, signal: AbortSignal): Promise<readonly Step[]> {
  if (picks.length === 0 || upstream.length === 0) return []
  const [ours, theirs] = await Promise.all([touchedPaths(git, picks, signal), touchedPaths(git, upstream, signal)])
  const known = new Set(ours.values())
  return upstream.filter(({ to }) => known.has(theirs.get(to) ?? ''))
}

async function touchedPaths(
  git: Git,
  steps: readonly Step[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const paths = new Map<string, string>()
  for (const change of await readSteps(git, steps, { signal })) {
    // Git ignores white space, in names as well.
    paths.set(change.commit, `${paths.get(change.commit) ?? ''}${pathKey(change).replace(/\s/g, '')}\0`)
  }
  return paths
}
