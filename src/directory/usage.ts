/** How repositories were used, also those of which no image is left; shared by all who use the directory. */
export interface Usage<Entry> {
  /** A few at a time: there may be thousands. */
  all(): AsyncIterable<UsageRecord<Entry>>
  /** Puts what was counted here together with what others counted, and resolves with both. */
  add(repo: string, entry: Entry): Promise<Entry>
  forget(repo: string): Promise<void>
}

export interface UsageRecord<Entry> {
  /** Canonical key of the repository. */
  readonly repo: string
  readonly entry: Entry
}
