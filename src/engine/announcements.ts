import type { Engine } from './contract.ts'
import type { EngineFigures } from './figures.ts'

/** What git servers tell a service of; no caller of an engine may. */
export interface Announcements {
  /**
   * Told that something was pushed: what is kept of the repository is brought up to date in the background. Resolves at
   * once, and tells nothing of what is kept; throws `url_invalid` and `host_forbidden`.
   */
  pushed(event: PushEvent): Promise<void>
}

/** A push as a git server announced it. */
export interface PushEvent {
  readonly repo: string
  readonly ref: string
}

/** An engine that is told what happens elsewhere. */
export type AnnouncedEngine = Engine & Announcements

/** An engine that a service has in its own process. */
export interface ServiceEngine extends Engine, Announcements {
  /** What `/metrics` tells of it. */
  figures(): Promise<EngineFigures>
}
