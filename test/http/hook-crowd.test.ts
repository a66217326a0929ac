import assert from 'node:assert/strict'
import { request, type IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { text } from 'node:stream/consumers'
import { hookCrowd } from '../../src/http/hook-crowd.ts'
import { makeGround } from '../support/engine-repository.ts'
import { openSocket, statuses } from '../support/raw-socket.ts'
import { runService } from '../support/running-service.ts'
import { githubHeaders, signedHeaders, writeHookSecrets } from '../support/webhooks.ts'

const ground = makeGround((source) => source.commit({ files: { 'README.md': '# Ground\n' } }))
const hookSecretsFile = `${ground.home.dir}/hooks.json`
writeHookSecrets(hookSecretsFile)
const service = runService(ground.home, { hookSecretsFile })
const impatient = runService(ground.home, { hookSecretsFile, arrivalMs: 1200 })

type Sent = Readonly<Record<string, string>>

/** Announces from an address, and gives status and code. */
async function announce(address: string, body: string, headers: Sent = githubHeaders(body)) {
  const { port } = service
  const path = '/v1/hooks/github'
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method: 'POST', headers, localAddress: address, agent: false }
    request(options, resolve).once('error', reject).end(body)
  })
  const { code } = JSON.parse(await text(answer)) as { code?: string }
  return [answer.statusCode, code]
}

/** The beginning of a webhook whose body never comes. */
function beginning(kind: 'github' | 'gitlab', headers: Sent): string {
  const lines = Object.entries({ host: '127.0.0.1', connection: 'close', ...headers, 'content-length': '100' })
  return `POST /v1/hooks/${kind} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
}

async function slowFrom(address: string, port = service.port) {
  const connection = await openSocket(port, address)
  connection.write(beginning('github', githubHeaders('')))
  return connection
}

const busy = [503, 'over_capacity']
/** Taken, read and found to be no JSON. */
const served = [400, 'input_invalid']

test('a proof that can vouch for no body is refused before the body comes, in the words for a wrong one', async () => {
  const json = { 'content-type': 'application/json' }
  const signed = signedHeaders('')
  for (const [kind, headers] of [
    ['github', { ...json, 'x-hub-signature-256': 'x' }],
    ['github', { ...json, 'x-hub-signature-256': `sha256=${'z'.repeat(64)}` }],
    ['gitlab', { ...signed, 'webhook-signature': 'v1,x' }],
    ['gitlab', { ...signed, 'webhook-id': 'a.b' }],
    ['gitlab', { ...signed, 'webhook-timestamp': 'now' }],
    ['gitlab', { ...json, 'x-gitlab-token': 'guessed-token-0123' }],
  ] as const) {
    const { write, answer, socket } = await openSocket(impatient.port)
    write(beginning(kind, headers))
    const said = await answer
    assert.deepEqual([statuses(said), said.includes('"code":"hook_unsigned"')], [[401], true])
    socket.destroy()
  }
})

test('one address has some places only, all together no more than there are, and whoever goes leaves one', async () => {
  const [first = '', ...others] = [1, 2, 3, 4].map((at) => `127.0.1.${at}`)
  const four = [first, first, first, first]
  const slow = await Promise.all(four.map((address) => slowFrom(address)))
  while ((await announce(first, '{'))[0] !== 503);
  assert.deepEqual(await announce(first, '{'), busy)
  assert.deepEqual(await announce('127.0.1.5', '{'), served)
  slow.push(...(await Promise.all(others.flatMap((address) => four.map(() => slowFrom(address))))))
  while ((await announce('127.0.1.5', '{'))[0] !== 503);
  assert.deepEqual(await announce('127.0.1.5', '{'), busy)
  for (const { socket } of slow) socket.destroy()
  for (const address of [first, '127.0.1.5']) {
    while ((await announce(address, '{'))[0] === 503);
    assert.deepEqual(await announce(address, '{'), served)
  }
})

test('an address that sends much that is not signed is refused for a while, others are not', async () => {
  const body = 'x'.repeat(6_000_000)
  const wrong = githubHeaders('another body')
  const said = []
  for (let count = 0; count < 3; count += 1) said.push(await announce('127.0.2.1', body, wrong))
  const unsigned = [401, 'hook_unsigned']
  const refused = [429, 'rate_limited']
  assert.deepEqual(said, [unsigned, unsigned, refused])
  assert.deepEqual(await announce('127.0.2.1', '{'), refused)
  assert.deepEqual(await announce('127.0.2.2', '{'), served)
})

test('many small ones that are not signed count as well', async () => {
  const crowd = hookCrowd()
  for (let count = 0; count < 1024; count += 1) {
    await crowd.assertTrusted('192.0.2.1')
    await crowd.noteUnsigned('192.0.2.1', 1)
  }
  await assert.rejects(crowd.assertTrusted('192.0.2.1'), { code: 'rate_limited' })
  await assert.rejects(crowd.noteUnsigned('192.0.2.1', 1), { code: 'rate_limited' })
  await crowd.assertTrusted('192.0.2.2')
})

test('a webhook that does not arrive is sent away sooner than another request', async () => {
  const other = await openSocket(impatient.port)
  other.write('POST /v1/operations/log HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n')
  other.write('Content-Length: 100\r\n\r\n{')
  const hook = await slowFrom('127.0.0.1', impatient.port)
  const order: string[] = []
  const ends = Object.entries({ hook, other }).map(async ([name, { answer, socket }]) => {
    const said = await answer
    order.push(name)
    assert.deepEqual([statuses(said), said.includes('"code":"request_too_slow"')], [[408], true])
    socket.destroy()
  })
  await Promise.all(ends)
  assert.deepEqual(order, ['hook', 'other'])
})
