import type {
  Answer,
  Engine,
  EngineState,
  Explanation,
  ImageSummary,
  WarmImage,
  WorkspaceSummary,
} from '../engine/contract.ts'
import { remoteExecution } from './remote-execution.ts'
import { remoteRecords } from './remote-records.ts'
import { remoteService, type Question } from './remote-service.ts'
import { operationOf, remoteWorkspace, repeatsOf, segment, type Opened } from './remote-workspace.ts'

export interface ConnectOptions {
  /** An API key of the service. */
  readonly key?: string | undefined
}

/**
 * The engine of a service, over HTTP. What may be repeated is, where the service is busy or starts anew. `close` lets
 * the connections go and ends what is under way; workspaces live on until they are closed or their time is over.
 */
export function connect(url: string, { key }: ConnectOptions = {}): Engine {
  const service = remoteService(url, { key: key ?? null })
  const get = async <T>(path: string): Promise<T> =>
    await service.value<T>({ method: 'GET', path, repeats: 'freely', options: {} })
  const post = (
    path: string,
    input: unknown,
    options: Question['options'],
    repeats: Question['repeats'],
  ): Question => ({ method: 'POST', path, input, options, repeats })

  return {
    async run(name, input, options = {}) {
      const { effect, items } = await operationOf(name)
      const question = post(`/v1/operations/${name}`, input, options, repeatsOf(effect))
      return await service.valueWithProgress(question, items?.list ?? null)
    },
    stream: (name, input, options = {}) =>
      remoteRecords(
        service,
        async (more) => post(`/v1/operations/${name}`, input, more, repeatsOf((await operationOf(name)).effect)),
        options,
      ),
    exec: (input, options = {}) => remoteExecution(service, '/v1/exec', input, options),
    async open(input, options = {}) {
      const opened = await service.valueWithProgress<Opened>(post('/v1/workspaces', input, options, 'by-key'))
      return remoteWorkspace(service, opened)
    },
    workspace: async (id) => remoteWorkspace(service, await get<Opened>(`/v1/workspaces/${segment(id)}`)),
    workspaces: async () => (await get<{ readonly value: readonly WorkspaceSummary[] }>('/v1/workspaces')).value,
    async explain(name, input, options = {}) {
      await operationOf(name)
      const question = post(`/v1/explain/${name}`, input, options, 'freely')
      return (await service.value<{ readonly value: Explanation }>(question)).value
    },
    warm: (input, options = {}) =>
      service.valueWithProgress<Answer<WarmImage>>(post('/v1/images', input, options, 'by-key')),
    images: async () => (await get<{ readonly value: readonly ImageSummary[] }>('/v1/images')).value,
    async drop(imageId) {
      const path = `/v1/images/${segment(imageId)}`
      await service.done({ method: 'DELETE', path, repeats: 'never', options: {} })
    },
    state: async () => (await get<{ readonly value: EngineState }>('/v1/state')).value,
    async close() {
      service.close()
    },
  }
}
