/** A name the repository gives to an object. */
export interface Ref {
  /** Full name, `refs/heads/main`. */
  readonly name: string
  readonly oid: string
  /** The commit an annotated tag leads to; equals `oid` otherwise. */
  readonly peeled: string
  /** The ref a symbolic ref stands for. */
  readonly symref: string | null
}
