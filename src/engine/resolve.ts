import { LRUCache } from 'lru-cache'
import type { Clock } from '../core/clock.ts'
import { nextFlight } from '../core/next-flight.ts'
import { hasCode } from '../core/errors.ts'
import { span } from '../core/spans.ts'
import type { ResolvedRef } from '../git/remote/resolve-ref.ts'
import { lookUpRef } from '../git/remote/resolve-ref.ts'
import type { Repository } from './repositories.ts'

/** What a ref was found to stand for, and how old that knowledge is. */
export interface Resolution extends ResolvedRef {
  readonly stalenessMs: number
}

/** Ids that a working copy opened there needs, the commit first: an annotated tag is an object of its own. */
export function openedIds({ commit, oid }: Resolution): readonly string[] {
  return [...new Set([commit, oid])]
}

export interface Resolver {
  /** Whether some ref was found with this scope: the remote has let its caller in. */
  knows(scope: string): boolean
  /**
   * Asks the remote, with the caller's own credential, what a ref stands for; this is the freshness check and the
   * access check in one. Knowledge of the same caller that is no older than `maxStalenessMs` serves without asking.
   */
  resolve(
    repository: Repository,
    ref: string,
    options: { maxStalenessMs: number; signal: AbortSignal },
  ): Promise<Resolution>
}

/** Questions for one ref at once; whoever comes beyond shares the next. */
const maxQuestions = 4

/** Refs remembered for callers that accept some staleness. */
const maxRemembered = 10_000

export function resolver(clock: Clock): Resolver {
  const remembered = new LRUCache<string, { resolved: ResolvedRef; at: number }>({ max: maxRemembered })
  const known = new LRUCache<string, true>({ max: maxRemembered })
  // A crowd that asks for one ref with one credential is not a crowd at the server's door.
  const questions = nextFlight<ResolvedRef>({ permits: maxQuestions })
  /** Who is refused now is not let in by what was known before. */
  function forget(scope: string): void {
    known.delete(scope)
    for (const key of remembered.keys()) if (key.startsWith(`${scope} `)) remembered.delete(key)
  }

  return {
    knows: (scope) => known.has(scope),
    async resolve(repository, ref, { maxStalenessMs, signal }) {
      const key = `${repository.scope} ${ref}`
      const last = remembered.get(key)
      const age = last === undefined ? Infinity : clock.monotonic() - last.at
      if (last !== undefined && age <= maxStalenessMs) return { ...last.resolved, stalenessMs: Math.round(age) }
      const at = clock.monotonic()
      const ask = (until: AbortSignal) => lookUpRef(repository.remote, ref, { signal: until })
      const resolved = await span('resolve', {}, () => questions.run(key, ask, { signal })).catch((error: unknown) => {
        if (hasCode(error, 'auth_required', 'access_denied', 'repo_not_found')) forget(repository.scope)
        throw error
      })
      remembered.set(key, { resolved, at })
      known.set(repository.scope, true)
      return { ...resolved, stalenessMs: 0 }
    },
  }
}
