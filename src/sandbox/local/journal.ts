import { readdirSync, rmSync } from 'node:fs'
import type { Upper } from '../contract.ts'
import { identify, type ProcessIdentity } from '../../core/process-identity.ts'
import { readJson, writeAtomically, type StateDir } from './state-dir.ts'

/** What is written down of a sandbox before it exists, so that another process can clean up after a crash. */
export interface JournalEntry {
  readonly id: string
  readonly owner: ProcessIdentity
  readonly upper: Upper
  readonly layers: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
}

export interface Journal {
  write(entry: JournalEntry, reservedBytes: number): void
  /** Removes an entry, once nothing of the sandbox is left. */
  erase(id: string): void
  entries(): readonly JournalEntry[]
  /** Sum of what memory uppers may grow to, over all processes. */
  reservedBytes(): number
}

/**
 * The journal of all sandboxes on a state directory: one file each, `run/<id>.<reserved bytes>.json`. The figure
 * stands in the name because every creation has to add them up.
 */
export function openJournal(state: StateDir): Journal {
  const folder = `${state.path}/run`
  const files = (): readonly string[] => readdirSync(folder).filter((name) => name.endsWith('.json'))
  return {
    write: (entry, reservedBytes) =>
      writeAtomically(state, `run/${entry.id}.${reservedBytes}.json`, JSON.stringify(entry)),
    erase(id) {
      for (const name of files()) if (name.startsWith(`${id}.`)) rmSync(`${folder}/${name}`, { force: true })
    },
    entries: () =>
      files()
        .map((name) => readJson(`${folder}/${name}`) as JournalEntry | null)
        .filter((entry) => entry !== null),
    reservedBytes: () => files().reduce((sum, name) => sum + Number(name.split('.')[1]), 0),
  }
}

/** Who this process is, for entries it writes. */
export function thisProcess(): ProcessIdentity {
  const identity = identify(process.pid)
  if (identity === null) throw new Error('Cannot read /proc/self')
  return identity
}
