import { readdirSync, rmSync } from 'node:fs'
import type { Upper } from '../contract.ts'
import type { ProcessIdentity } from '../../core/process-identity.ts'
import { readJson, writeAtomically, type StateDir } from './state-dir.ts'

/** An entry's file: the sandbox's id and the bytes reserved for its upper in memory. */
const entryName = /^sb_[0-9a-f]+\.\d+\.json$/

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
  /** Replaces the entry of a sandbox for which nothing was reserved. */
  reserve(entry: JournalEntry, reservedBytes: number): void
  /** Removes an entry, once nothing of the sandbox is left. */
  erase(id: string): void
  entries(): readonly JournalEntry[]
  /** Whether a name in `run/` is that of an entry; anything else there is garbage, cut off by a power cut or planted. */
  holds(name: string): boolean
  /** Sum of what memory uppers may grow to, over all processes. */
  reservedBytes(): number
}

/**
 * The journal of all sandboxes on a state directory: one file each, `run/<id>.<reserved bytes>.json`. The figure
 * stands in the name because every creation has to add them up.
 */
export function openJournal(state: StateDir): Journal {
  const folder = `${state.path}/run`
  const files = (): readonly string[] => readdirSync(folder).filter((name) => entryName.test(name))
  const read = (name: string): JournalEntry | null => asEntry(name, readJson(`${folder}/${name}`))
  const write: Journal['write'] = (entry, reservedBytes) =>
    writeAtomically(state, `run/${entry.id}.${reservedBytes}.json`, JSON.stringify(entry))
  return {
    write,
    reserve(entry, reservedBytes) {
      write(entry, reservedBytes)
      if (reservedBytes > 0) rmSync(`${folder}/${entry.id}.0.json`, { force: true })
    },
    erase(id) {
      for (const name of files()) if (name.startsWith(`${id}.`)) rmSync(`${folder}/${name}`, { force: true })
    },
    entries: () =>
      files()
        .map(read)
        .filter((entry) => entry !== null),
    holds: (name) => entryName.test(name) && read(name) !== null,
    reservedBytes: () => files().reduce((sum, name) => sum + Number(name.split('.')[1]), 0),
  }
}

function asEntry(name: string, value: unknown): JournalEntry | null {
  const { id, owner, layers, metadata } = (value ?? {}) as Partial<JournalEntry>
  const isWhole = typeof owner?.pid === 'number' && Array.isArray(layers) && typeof metadata === 'object'
  return isWhole && name.startsWith(`${id}.`) ? (value as JournalEntry) : null
}
