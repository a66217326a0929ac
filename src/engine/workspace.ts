import { answerRecords } from './answer-records.ts'
import type { Workspace } from './contract.ts'
import { execInWorkspace } from './exec-in-workspace.ts'
import { extendWorkspace } from './extend-workspace.ts'
import { filesOf } from './files-of-workspace.ts'
import { forkWorkspace } from './fork-workspace.ts'
import type { Lease } from './leases.ts'
import type { Parts } from './parts.ts'
import { runInWorkspace } from './run-in-workspace.ts'

/** A lease as its holder uses it; everything but `close` throws `workspace_not_found` once it has ended. */
export function workspaceOf(parts: Parts, { id, receipt, caller }: Lease): Workspace {
  const lease = (): Lease => parts.leases.get(id, caller)
  return {
    id,
    receipt,
    get expiresAt() {
      return new Date(lease().expiresAt).toISOString()
    },
    run: async (name, input = {}, options = {}) => runInWorkspace(parts, lease(), name, input, options),
    stream: (name, input = {}, options = {}) =>
      answerRecords(options, { silenceMs: parts.settings.streamIdleMs }, (request, recorder) =>
        runInWorkspace(parts, lease(), name, input, request, recorder),
      ),
    exec: async (input, options = {}) => execInWorkspace(parts, lease(), input, options),
    files: filesOf(parts, lease),
    async fork(input = {}, options = {}) {
      return (await forkWorkspace(parts, lease(), input, options)).map((fork) => workspaceOf(parts, fork))
    },
    extend: async (input, options = {}) => extendWorkspace(parts, lease(), input, options),
    close: () => parts.leases.end(id),
  }
}
