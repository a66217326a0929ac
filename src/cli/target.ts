import { resolve } from 'node:path'

/** Whether a target is a workspace on a server; a path of such a name is written `./ws_…`. */
export function isWorkspaceId(target: string): boolean {
  return /^ws_[0-9a-z]+$/i.test(target)
}

/** A repository as the engine takes it: addresses as they are, anything else is a path from the current folder. */
export function repoOf(target: string): string {
  // As in git, "host:path" is an address (which the engine refuses) unless a slash comes before the colon.
  return /^[^/]*:/.test(target) ? target : resolve(target)
}
