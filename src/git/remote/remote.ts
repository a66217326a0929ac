import type { Ref } from '../ref.ts'
import type { PackStream, PackWish } from './fetch-pack.ts'
import type { PackMaker, Pushed, PushOptions } from './push-options.ts'

/** A repository somewhere else, asked with one caller's credential. */
export interface Remote {
  /** What it can do; asked once and remembered. */
  abilities(options: { readonly signal: AbortSignal }): Promise<RemoteAbilities>
  /** Refs whose full names start with one of `prefixes`, `HEAD` included; an empty list means all. */
  lsRefs(options: { readonly prefixes: readonly string[]; readonly signal: AbortSignal }): Promise<readonly Ref[]>
  /** Asks for objects and lends the pack to `use` while it arrives; nothing is open afterwards. */
  fetchPack<T>(options: FetchPackOptions, use: (stream: PackStream) => Promise<T>): Promise<T>
  /**
   * Moves one ref if it still is where the caller believes it to be; nothing is sent where it is there already. Where the
   * answer got lost (`remote_failed`, `remote_timeout`) it may have moved: asked again, a push finds out.
   */
  push(options: PushOptions, makePack: PackMaker): Promise<Pushed>
}

export interface FetchPackOptions extends Omit<PackWish, 'objectFormat'> {
  readonly signal: AbortSignal
  /** Called with git's own progress text in the pieces it comes in. */
  readonly onProgress: (text: string) => void
}

/** What a server says about itself. */
export interface RemoteAbilities {
  readonly protocol: 0 | 1 | 2
  readonly objectFormat: 'sha1' | 'sha256'
  /** Partial clones are served. */
  readonly hasFilter: boolean
  /** Depth limits are served. */
  readonly hasShallow: boolean
  /** Any id the server has may be asked for, not only tips of refs. */
  readonly hasAnyId: boolean
}

/** A credential for one host whose secret appears only when a request is written. */
export interface RemoteAuthorization {
  /** Tells credentials apart without giving anything away. */
  readonly fingerprint: string
  /** Value of the Authorization header. */
  header(): string
}
