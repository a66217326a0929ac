import { AppError } from '../core/errors.ts'
import type { Operation } from '../git/operation.ts'

/** Throws `needs_workspace` where an operation would change, or start from, something that only a workspace keeps. */
export function assertOneShot(operation: Operation, own: Readonly<Record<string, unknown>>): void {
  if (operation.effect === 'read' || operation.isOneShot?.(own) === true) return
  throw new AppError('needs_workspace', `Cannot run ${operation.name} on a repository: it works in a workspace`)
}
