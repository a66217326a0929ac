import type { Answer, Receipt, RequestOptions } from './contract.ts'
import type { Lease } from './leases.ts'
import type { Work } from './outcome.ts'
import type { Parts } from './parts.ts'
import type { Repository } from './repositories.ts'
import { bracketRequest, type RequestFrame, type RequestScope } from './request-scope.ts'

/** What a request in a workspace carries with it. */
export interface WorkspaceScope extends Omit<RequestScope, 'answer' | 'known'> {
  /** The upstream, asked with the credential of this request, else with that of the opening; while the caller may. */
  repository(): Promise<Repository>
  /** What the receipt will say, as far as it is known before the work is done. */
  known(): Partial<Receipt>
  /** The answer with the receipt of this workspace. */
  answer<Value>(value: Value, work: Omit<Work, 'history'>): Answer<Value>
}

/** Brackets a request in a workspace: it ends with its caller, its deadline or the workspace, whichever is first. */
export function bracketInWorkspace<T>(
  { driver, repositories }: Pick<Parts, 'driver' | 'repositories'>,
  lease: Lease,
  request: RequestFrame,
  options: RequestOptions,
  use: (scope: WorkspaceScope) => Promise<T>,
): Promise<T> {
  const signal = options.signal === undefined ? lease.ended : AbortSignal.any([options.signal, lease.ended])
  return bracketRequest(request, { ...options, signal }, (scope) => {
    const { repository, ref, resolution, warnings } = lease
    const facts = { repository, ref, resolution, driver: driver.name, tier: 'workspace' } as const
    const answer: WorkspaceScope['answer'] = (value, work) =>
      scope.answer({ value, work: { ...work, history: lease.copy.has.history }, warnings }, facts)
    const { gitAuthorization, caller } = options
    async function asAsked(): Promise<Repository> {
      repository.checkFor(caller)
      if (gitAuthorization === undefined) return repository
      return repositories.open(repository.address, { gitAuthorization, use: 'fetch', caller })
    }
    return use({ ...scope, repository: asAsked, known: () => ({ ...scope.known(facts), tier: facts.tier }), answer })
  })
}
