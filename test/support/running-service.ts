import assert from 'node:assert/strict'
import { before } from 'node:test'
import type { Service } from '../../src/cli/doors.ts'
import { composeService } from '../../src/compose.ts'
import { parseSettings } from '../../src/config.ts'
import type { EngineHome } from './engine-home.ts'
import { leftovers } from './leftovers.ts'

/** What an answer says, of those fields that tests look at. */
export interface Said {
  readonly status: number
  readonly code: string | null
  readonly value: unknown
  readonly headers: Headers
}

/** A service in this process, filled in before the tests of the file. */
export interface RunningService {
  readonly url: string
  readonly port: number
  listen: Service['listen']
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Said>
  /** The path of a workspace that was opened. */
  open(repo: string): Promise<string>
  close(workspace: string): Promise<void>
}

/** Call it at the top of a test file; when its tests are done it is closed, and nothing may be left of it. */
export function runService(home: EngineHome, more: object = {}): RunningService {
  const running = { url: '', port: 0 } as { -readonly [Key in keyof RunningService]: RunningService[Key] }
  before(async () => {
    const settings = parseSettings({ ...home.settings, ...more })
    const service: Service = await composeService(settings, {}, { version: '0.0.0' })
    home.atEnd(async () => {
      await service.close()
      assert.deepEqual(leftovers(home), [])
    })
    running.url = await service.listen({ host: '127.0.0.1', port: 0 })
    running.listen = (address) => service.listen(address)
    running.port = Number(new URL(running.url).port)
  })
  running.post = async (path, body, headers = {}) => {
    const response = await fetch(running.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    const { code = null, value = null } = (await response.json()) as Partial<Said>
    return { status: response.status, code, value, headers: response.headers }
  }
  running.open = async (repo) => {
    const { status, code, value } = await running.post('/v1/workspaces', { repo })
    assert.deepEqual([status, code], [201, null])
    return `/v1/workspaces/${(value as { id: string }).id}`
  }
  running.close = async (workspace) => {
    assert.equal((await fetch(running.url + workspace, { method: 'DELETE' })).status, 204)
  }
  return running
}
