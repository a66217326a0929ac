import { setTimeout as pause } from 'node:timers/promises'
import { call, type MeasuredService } from './service.ts'

/** Somebody who works in one workspace all the time. */
export interface Resident {
  /** Edits, asks and runs again and again until told to end, forks now and then, and pushes at last; then the workspace ends. */
  workUntil(ending: AbortSignal): Promise<void>
}

const BETWEEN_TURNS_MS = 200
const FORK_EVERY = 10

/** Opens the workspace that it works in. */
export async function resident({ url }: MeasuredService, repo: string): Promise<Resident> {
  const at = (id: string): string => `${url}/v1/workspaces/${id}`
  const { id } = await call<{ id: string }>(`${url}/v1/workspaces`, { repo })
  const run = <Value>(name: string, input: unknown, where = id): Promise<Value> =>
    call(`${at(where)}/operations/${name}`, input)

  async function turn(count: number): Promise<void> {
    await run('write-file', { path: 'notes.txt', content: `turn ${count}\n` })
    await expectChange(id)
    await run('log', { limit: 1 })
    await call(`${at(id)}/exec`, { argv: ['cat', 'notes.txt'] })
    if (count % FORK_EVERY > 0) return
    const [fork] = await call<readonly { id: string }[]>(`${at(id)}/fork`, { count: 1 })
    if (fork === undefined) throw new Error('Cannot go on: no fork was made')
    await expectChange(fork.id)
    await call(at(fork.id), null, { method: 'DELETE' })
  }

  async function expectChange(where: string): Promise<void> {
    const { entries } = await run<{ entries: readonly unknown[] }>('status', {}, where)
    if (entries.length !== 1) throw new Error(`Cannot go on: ${entries.length} files are changed`)
  }

  return {
    async workUntil(ending) {
      for (let count = 0; !ending.aborted; count += 1) {
        await turn(count)
        await pause(BETWEEN_TURNS_MS)
      }
      await run('add', { paths: ['notes.txt'] })
      const { commit } = await run<{ commit: string }>('commit', { message: 'Take notes' })
      const pushed = await run<{ commit: string }>('push', { branch: `notes-${id}` })
      if (pushed.commit !== commit) throw new Error(`Cannot go on: ${pushed.commit} was pushed, not ${commit}`)
      await call(at(id), null, { method: 'DELETE' })
    },
  }
}
