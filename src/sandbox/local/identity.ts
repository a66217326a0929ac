/** A user of the host and its group. */
export interface Identity {
  readonly uid: number
  readonly gid: number
}
