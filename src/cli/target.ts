import { resolve } from 'node:path'

/** A repository as the engine takes it: addresses as they are, anything else is a path from the current folder. */
export function repoOf(target: string): string {
  // As in git, "host:path" is an address (which the engine refuses) unless a slash comes before the colon.
  return /^[^/]*:/.test(target) ? target : resolve(target)
}
