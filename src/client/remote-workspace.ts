import { AppError, hasCode } from '../core/errors.ts'
import type { Answer, Extension, Receipt, RequestOptions, Workspace } from '../engine/contract.ts'
import type { Effect } from '../git/operation.ts'
import { remoteExecution } from './remote-execution.ts'
import { remoteFiles } from './remote-files.ts'
import { remoteRecords } from './remote-records.ts'
import type { Question, RemoteService } from './remote-service.ts'

/** What the service says of a workspace. */
export type Opened = Answer<{ readonly id: string; readonly expiresAt: string }>

/** A workspace of a service; `expiresAt` is what this object has heard last. */
export function remoteWorkspace(service: RemoteService, { value: { id, expiresAt }, receipt }: Opened): Workspace {
  const path = `/v1/workspaces/${segment(id)}`
  let knownEnd = expiresAt
  let isClosed = false

  const post = (route: string, input: unknown, options: RequestOptions, repeats: Question['repeats']): Question => ({
    method: 'POST',
    path: `${path}/${route}`,
    input,
    options,
    repeats,
  })

  return {
    id,
    receipt,
    get expiresAt() {
      if (isClosed) throw new AppError('workspace_not_found', 'Cannot use the workspace: it was closed')
      return knownEnd
    },
    async run(name, input = {}, options = {}) {
      const { effect, items } = await operationOf(name)
      return await service.valueWithProgress(
        post(`operations/${name}`, input, options, repeatsOf(effect)),
        items?.list ?? null,
      )
    },
    stream: (name, input = {}, options = {}) =>
      remoteRecords(
        service,
        async (more) => post(`operations/${name}`, input, more, repeatsOf((await operationOf(name)).effect)),
        options,
      ),
    exec: (input, options = {}) => remoteExecution(service, `${path}/exec`, input, options),
    files: remoteFiles(service, path),
    async fork(input = {}, options = {}) {
      const forks = await service.value<ForkAnswer>(post('fork', input, options, 'by-key'))
      return forks.value.map((value) => remoteWorkspace(service, { value, receipt: forks.receipt }))
    },
    async extend(input, options = {}) {
      const answer = await service.valueWithProgress<Answer<Extension>>(post('extend', input, options, 'by-key'))
      knownEnd = answer.value.expiresAt
      return answer
    },
    async close() {
      isClosed = true
      try {
        await service.done({ method: 'DELETE', path, repeats: 'freely', options: {} })
      } catch (error) {
        // Somebody else, or an earlier try, has closed it.
        if (!hasCode(error, 'workspace_not_found')) throw error
      }
    },
  }
}

interface ForkAnswer {
  readonly value: readonly Opened['value'][]
  readonly receipt: Receipt
}

interface OperationFacts {
  readonly effect: Effect
  /** Where its answer may come one by one. */
  readonly items?: { readonly list: string }
}

/** The operation of that name, as this version knows it; the names are a quarter of the start-up, so not before. */
export async function operationOf(name: string): Promise<OperationFacts> {
  return (await import('../git/registry.ts')).findOperation(name)
}

/** What changes nothing may be asked again as it is; everything else is to be known again by the service. */
export function repeatsOf(effect: Effect): Question['repeats'] {
  return effect === 'read' ? 'freely' : 'by-key'
}

/** An id as one segment of a path; none is empty, and a route without it would be another route. */
export function segment(id: string): string {
  return id === '' ? '%20' : encodeURIComponent(id.toWellFormed())
}
