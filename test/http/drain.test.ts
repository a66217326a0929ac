import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Service } from '../../src/cli/doors.ts'
import { composeService } from '../../src/compose.ts'
import { parseSettings, type Settings } from '../../src/config.ts'
import { makeGround } from '../support/engine-repository.ts'
import { leftovers } from '../support/leftovers.ts'

const ground = makeGround(async (source) => {
  await source.commit({ files: { 'README.md': '# Ground\n' } })
})
after(() => assert.deepEqual(leftovers(ground.home), []))

/** A service with a workspace in which a program says that it is up, and then goes on. */
async function atWork(goOn: string, settings: Partial<Settings> = {}) {
  const service: Service = await composeService(
    parseSettings({ ...ground.home.settings, ...settings }),
    {},
    { version: '0' },
  )
  const url = await service.listen({ host: '127.0.0.1', port: 0 })
  const post = (path: string, body: object, accept = '*/*') =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept },
      body: JSON.stringify(body),
    })
  const { value } = (await (await post('/v1/workspaces', { repo: ground.repo })).json()) as { value: { id: string } }
  const workspace = `/v1/workspaces/${value.id}`
  const argv = ['sh', '-c', `echo up; ${goOn}`]
  const running = await post(`${workspace}/exec`, { argv }, 'application/x-ndjson')
  const reader = (running.body ?? assert.fail()).pipeThrough(new TextDecoderStream()).getReader()
  let said = ''
  while (!said.includes('up')) said += (await reader.read()).value ?? ''
  const rest = async (): Promise<string> => {
    for (let next = await reader.read(); !next.done; next = await reader.read()) said += next.value
    return said
  }
  return { service, rest }
}

test('a service that is told to stop finishes what is under way', async () => {
  const { service, rest } = await atWork('i=0; while [ $i -lt 400000 ]; do i=$((i + 1)); done; echo done')
  const closing = service.close()
  assert.match(await rest(), /done.*"type":"end"/s)
  await closing
})

test('what does not end in time is ended, and its client is told so', async () => {
  const { service, rest } = await atWork('sleep 100', { drainMs: 1 })
  const closing = service.close()
  assert.match(await rest(), /"type":"error".*"code":"(?:sandbox_lost|workspace_not_found)"/s)
  await closing
})
