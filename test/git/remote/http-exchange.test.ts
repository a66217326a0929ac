import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { exchange as askService } from '../../../src/client/exchange.ts'
import { plainAgents } from '../../../src/git/remote/http-agents.ts'
import { hasCode } from '../../../src/core/errors.ts'
import { exchange, type HttpAnswer } from '../../../src/git/remote/http-exchange.ts'
import { httpRemoteDefaults } from '../../../src/git/remote/http-remote.ts'

const server = createServer((_request, response) => response.end('all of it'))
const agents = plainAgents()
let url: URL

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
})
after(() => {
  agents.close()
  server.close()
})

/** Gives up a moment after the last of the answer was read, before its end was noticed. */
async function givingUp(body: AsyncIterable<Uint8Array>, moments: number, leaving: AbortController): Promise<void> {
  for await (const chunk of body) {
    assert.equal(chunk.length, 9)
    for (let at = 0; at < moments; at += 1) await Promise.resolve()
    leaving.abort()
  }
}

// An error that nobody listens for would end this process.
test('giving up on an answer that came whole harms nobody', async () => {
  for (let moments = 0; moments < 10; moments += 1) {
    const leaving = new AbortController()
    const call = {
      url,
      method: 'GET',
      headers: {},
      body: null,
      agent: agents.kept,
      lookup: undefined,
      isAllowed: true,
    } as const
    const { limits } = httpRemoteDefaults
    const use = ({ body }: HttpAnswer) => givingUp(body, moments, leaving)
    await exchange({ ...call, limits, signal: leaving.signal }, use).catch(isCanceled)
  }
})

test('nor does giving up on a service', async () => {
  for (let moments = 0; moments < 10; moments += 1) {
    const leaving = new AbortController()
    const call = { url, path: '/', method: 'GET', headers: {}, body: null, agent: agents.kept } as const
    const { body } = await askService({ ...call, signal: leaving.signal })
    await givingUp(body, moments, leaving).catch(isCanceled)
  }
})

function isCanceled(error: unknown): void {
  assert(hasCode(error, 'canceled'), String(error))
}
