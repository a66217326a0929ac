/** Who holds what: which images serve a repository, what was learned of it, and who may build right now. */
export interface Directory<Content> {
  /** Images recorded for a repository, the newest first. */
  find(repo: string): Promise<readonly ImageRecord<Content>[]>
  all(): Promise<readonly ImageRecord<Content>[]>
  /** Announces an image before it exists, so that what a crash leaves of it is known to be nobody's. */
  claim(imageId: string): Promise<void>
  /** Records a finished image and ends its claim. */
  record(record: ImageRecord<Content>): Promise<void>
  /** Forgets an image, recorded or only claimed. */
  forget(imageId: string): Promise<void>
  /** Claimed images whose builders are gone. */
  abandoned(): Promise<readonly string[]>
  /** Counts this process among those that serve, until the returned function is called or it is gone. */
  join(): Promise<() => Promise<void>>
  /** How many processes serve. */
  instances(): Promise<number>
  /** Runs `fn` while nobody else who uses this directory runs one for the same key; the lock dies with its owner. */
  exclusively<T>(key: string, fn: () => Promise<T>, options: { signal: AbortSignal }): Promise<T>
}

/** What is known of an image: whose it is and what it holds. */
export interface ImageRecord<Content> {
  readonly id: string
  /** Canonical key of the repository. */
  readonly repo: string
  readonly content: Content
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}
