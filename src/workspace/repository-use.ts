import { merged, used, type Use } from '../cache/use.ts'

/** What is remembered of the use of a repository, also where no image of it is left. */
export interface RepositoryUse {
  readonly use: Use
  /** Refs that were asked for, with when they were the last time, in milliseconds since the epoch. */
  readonly refs: Readonly<Record<string, number>>
  /**
   * The tenant whose configured credential reached it the last time, '' where nobody is told apart; `null` where
   * requests brought credentials of their own, which nobody keeps.
   */
  readonly tenant: string | null
}

/** How somebody asked for a repository, once the remote has let them. */
export type Asked = Pick<RepositoryUse, 'tenant'> & { readonly ref: string }

/** Refs that are remembered of one repository, the latest ones. */
const MAX_REFS = 8

export function askedAgain(known: RepositoryUse | null, { tenant, ref }: Asked, at: number): RepositoryUse {
  return {
    use: used(known?.use ?? null, at),
    refs: latest({ ...known?.refs, [ref]: at }),
    tenant: tenant ?? known?.tenant ?? null,
  }
}

/** What two processes counted apart, together. */
export function mergedUse(one: RepositoryUse, other: RepositoryUse): RepositoryUse {
  const [older, newer] = one.use.lastAt <= other.use.lastAt ? [one, other] : [other, one]
  const refs = Object.entries(older.refs).concat(Object.entries(newer.refs))
  const latestOf = new Map<string, number>()
  for (const [ref, at] of refs) latestOf.set(ref, Math.max(at, latestOf.get(ref) ?? 0))
  return {
    use: merged(one.use, other.use),
    refs: latest(Object.fromEntries(latestOf)),
    tenant: newer.tenant ?? older.tenant,
  }
}

/** The same with no time after `now`: a clock that was ahead must not keep something for ever. */
export function noLaterThan(known: RepositoryUse, now: number): RepositoryUse {
  if (known.use.lastAt <= now) return known
  const refs = Object.entries(known.refs).map(([ref, at]) => [ref, Math.min(at, now)] as const)
  const use = { ...known.use, firstAt: Math.min(known.use.firstAt, now), lastAt: now }
  return { ...known, use, refs: Object.fromEntries(refs) }
}

/** Whether a file of the state directory holds what this version remembers. */
export function isRepositoryUse(value: unknown): value is RepositoryUse {
  const { use, refs, tenant } = (value ?? {}) as Partial<RepositoryUse>
  const figures = [...Object.keys(used(null, 0)).map((key) => use?.[key as keyof Use]), ...Object.values(refs ?? {})]
  return (
    typeof refs === 'object' &&
    refs !== null &&
    figures.every((figure) => typeof figure === 'number') &&
    (tenant === null || typeof tenant === 'string')
  )
}

function latest(refs: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const newestFirst = Object.entries(refs).toSorted(([, a], [, b]) => b - a)
  return Object.fromEntries(newestFirst.slice(0, MAX_REFS))
}
