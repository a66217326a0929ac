/** What a directory may have too much of. */
const UNITS = ['bytes', 'inodes'] as const
export type Unit = (typeof UNITS)[number]

/** So much of each; `null` where nobody knows. */
export type Amounts = Readonly<Record<Unit, number | null>>

/** What a count found. */
export interface Counted {
  readonly used: number
  /** What the file system had free then. */
  readonly free: number | null
  /** Milliseconds on some clock. */
  readonly at: number
  readonly tookMs: number
}

/** The part of what is left to a sandbox that the file system may lose before the sandbox is counted again. */
const SHARE = 0.25

/** Others may free what a sandbox takes: it is counted again after so long, or as many times what the last count took. */
const LONGEST_MS = 10_000
const LONGEST_FACTOR = 100

/** Where a file system does not say what is free, a count follows this many times what the last one took. */
const BLIND_FACTOR = 8

/**
 * What must be counted anew to know that a directory is within its limits; pure. To count takes two processes and a walk,
 * to ask the file system what is free takes neither: as long as that has hardly fallen, nobody has taken much.
 */
export function dueCounts(
  counted: { readonly [Name in Unit]?: Counted },
  { free, most, now }: { readonly free: Amounts; readonly most: Amounts; readonly now: number },
): readonly Unit[] {
  return UNITS.filter((unit) => {
    const last = counted[unit]
    if (last === undefined) return true
    const [before, left] = [last.free, free[unit]]
    const passedMs = now - last.at
    if (before === null || left === null) return passedMs >= BLIND_FACTOR * last.tookMs
    const room = (most[unit] ?? Infinity) - last.used
    return room <= 0 || before - left > SHARE * room || passedMs >= Math.max(LONGEST_MS, LONGEST_FACTOR * last.tookMs)
  })
}
