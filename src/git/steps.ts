import { keeping } from './keeping.ts'
import { readRawRecord, type RawRecord } from './raw-records.ts'
import { recordFormat } from './records.ts'
import type { Git } from './run-git.ts'

/** The way from one commit to another; from `null`, what a commit without parents begins with. */
export interface Step {
  readonly from: string | null
  readonly to: string
}

/** What a step does to one path, renames undetected so that every candidate shows. */
export interface StepChange extends RawRecord {
  /** The commit the step leads to. */
  readonly commit: string
}

const record = recordFormat({ id: '%H' })
const newline = 0x0a
const flags: readonly string[] = [
  ...['-r', '-z', '--raw', '--no-abbrev', '--no-renames', '--root', '--stdin', '--ignore-submodules=none'],
  ...['--no-ext-diff', '--no-textconv', '--no-color', '--no-notes', `--format=tformat:${record.format}`],
]

/** What all of the steps do, in one process. */
export async function readSteps(
  git: Git,
  steps: readonly Step[],
  { signal }: { signal: AbortSignal },
): Promise<readonly StepChange[]> {
  if (steps.length === 0) return []
  // Git compares a commit with the parents given beside it.
  const stdin = steps.map(({ from, to }) => (from === null ? `${to}\n` : `${to} ${from}\n`)).join('')
  return git.read('diff-tree', { flags, stdin, commitsOnly: true, signal }, async (reader) => {
    const changes: StepChange[] = []
    const keep = keeping('changed files')
    for (let head = await record.read(reader); head !== null; head = await record.read(reader)) {
      if ((await reader.peek()) === newline) await reader.skip(1)
      for (let raw = await readRawRecord(reader); raw !== null; raw = await readRawRecord(reader)) {
        keep(raw.path.length)
        changes.push({ ...raw, commit: head.id })
      }
    }
    return changes
  })
}

/** A path as a key of sets and maps. */
export function pathKey({ path }: { readonly path: Buffer }): string {
  return path.toString('latin1')
}
