/** What this host can and cannot do, in words for people. */
export interface HostReport {
  readonly checks: readonly HostCheck[]
  /** Whether sandboxes can be made at all. */
  readonly able: boolean
}

export interface HostCheck {
  readonly name: string
  readonly ok: boolean
  /** What was found, in one plain sentence. */
  readonly detail: string
  /** What to install or change; empty where nothing needs to be. */
  readonly fix: string
}
