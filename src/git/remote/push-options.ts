import { AppError } from '../../core/errors.ts'
import { printable } from './printable.ts'
import { isFullId, isRefName } from './ref-name.ts'

/** Where one ref of a remote is to be. */
export interface PushOptions {
  /** Full name, below `refs/`. */
  readonly ref: string
  readonly oid: string
  /** What it must hold before, an id or `null` for nothing at all; `any` leaves that to whoever makes the pack. */
  readonly expected: 'any' | { readonly oid: string | null }
  readonly signal: AbortSignal
}

/** What a pack has to be made for. */
export interface PushGround {
  /** What the ref holds now, and must still hold when the pack has arrived; `null` where it does not exist. */
  readonly old: string | null
  readonly objectFormat: 'sha1' | 'sha256'
  /** Deltas may name their base by its place in the pack. */
  readonly hasOfsDelta: boolean
  /** Deltas may have a base that is not in the pack. */
  readonly hasThinPack: boolean
}

/**
 * Makes the pack for a push, or throws where it should not go on; nothing has been sent by then. `null` where the remote
 * has every object already. A pack that fails, however late, moves nothing; it must end with the push's signal.
 */
export type PackMaker = (ground: PushGround) => Promise<AsyncIterable<Uint8Array> | null>

/** What became of a push that went well. */
export interface Pushed {
  readonly outcome: 'created' | 'updated' | 'unchanged'
  /** What the ref held before; `null` where it did not exist. */
  readonly old: string | null
  /** What the server and its hooks said, safe to show. */
  readonly said: readonly string[]
}

/** Refuses what can be no ref or no id, before anybody is spoken to. */
export function checkPush({ ref, oid, expected }: PushOptions): void {
  if (!ref.startsWith('refs/') || ref.length > 1024 || !isRefName(ref)) {
    throw new AppError('ref_invalid', `Cannot push to "${printable(ref, 100)}": it is no full name of a ref`)
  }
  const ids = expected === 'any' || expected.oid === null ? [oid] : [oid, expected.oid]
  // In small letters, as servers write them; no digit but 0 means no object.
  if (!ids.every((id) => isFullId(id) && /[1-9a-f]/.test(id) && id === id.toLowerCase()))
    throw new AppError('internal', 'Cannot push: something is not a full id')
}
